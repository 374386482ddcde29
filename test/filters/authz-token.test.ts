import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { propertiesOf } from '#cli/explain/properties.ts';
import { Host, type Root, type Vm } from '#host/emulator.ts';
import { encodeMetadata } from '#host/metadata.ts';
import type { AuthzCondition, AuthzPolicy, AuthzPolicySet, AuthzRequest, AuthzSource } from '#model/authz.ts';
import { TOKEN_FILTER, TOKEN_PAYLOAD, type Metadata, type MetadataValue } from '#model/metadata.ts';
import { compileAuthz } from '#policy/authz/compile.ts';
import { decide } from '#policy/authz/reference.ts';
import { tokenMetadata } from '#policy/authz/token.ts';
import { requestPrincipalMatch, stringMatch } from '#translate/authz-value.ts';
import { BUILDS, loadFilter } from './load.ts';
import { runs } from './mutation.ts';

// What policies ask of tokens, by the reference and by the filter, and what the filter makes of metadata that Envoy would
// never send.

const REQUEST: AuthzRequest = {
  sourceIp: '10.0.0.7',
  destinationIp: '10.0.0.1',
  destinationPort: 80,
  host: 'shop',
  method: 'GET',
  path: '/',
  headers: [],
};

const NONE = { any: [], none: [] };
const policy = (action: AuthzPolicy['action'], rule: Partial<AuthzPolicy['rules'][number]>): AuthzPolicySet => ({
  policies: [{ namespace: 'n', name: 'p', action, rules: [{ from: [], to: [], when: [], ...rule }] }],
});
const source = (parts: Partial<AuthzSource>): AuthzSource => ({
  principals: NONE,
  namespaces: NONE,
  ipBlocks: NONE,
  ...parts,
});
const claim = (path: readonly string[], ...values: readonly string[]): AuthzCondition => ({
  key: 'claim',
  claim: path,
  values: { any: values.map((value) => stringMatch(value)), none: [] },
});
const speaks = (...values: readonly string[]): AuthzSource =>
  source({ requestPrincipals: { any: values.map((value) => requestPrincipalMatch(value)), none: [] } });
const speaksNot = (value: string): AuthzSource =>
  source({ requestPrincipals: { any: [], none: [requestPrincipalMatch(value)] } });

function compile(set: AuthzPolicySet): Uint8Array {
  const program = compileAuthz(set, { port: 80, addresses: ['10.0.0.1'], protocol: 'http' });
  if (program === undefined) throw new Error('expected a program');
  return program;
}

const HEADERS = { ':authority': 'shop', ':path': '/', ':method': 'GET', ':scheme': 'http' };

/** The request with these bytes as its metadata passes. */
function passes(root: Root, metadata: Uint8Array): boolean {
  const stream = root.request({ headers: HEADERS, properties: { ...propertiesOf(REQUEST), metadata } });
  stream.end();
  return stream.action === 'continue';
}

const iss = 'https://iss/a';

describe.each(BUILDS)('tokens (%s)', (build) => {
  let vm: Vm;

  beforeAll(async () => {
    vm = await Host.load(loadFilter('authz', build));
  });

  /** What reference and filter agree on. */
  function allows(set: AuthzPolicySet, metadata: Metadata): boolean {
    const root = vm.configure({ rootId: 'authz', pluginConfig: compile(set) });
    const allowed = passes(root, encodeMetadata(metadata));
    root.retire();
    expect(vm.traps).toBe(0);
    expect(decide(set, { ...REQUEST, metadata }, { protocol: 'http' }).allowed).toBe(allowed);
    return allowed;
  }

  // A16: cut at the last slash, and both halves compared as a whole.
  test.each<[string, string, string, boolean]>([
    ['https://iss/a/b/c', 'https://iss/a/b', 'c', true],
    ['https://iss/a/b/c', 'https://iss/a', 'b/c', false],
    ['https://iss/a/b/c', 'https://iss', 'a/b/c', false],
    ['https://iss/*', 'https://iss', 'x', true],
    ['https://iss/*', 'https://iss/a', 'x', false],
    ['https://iss*', 'https:/', 'iss-a', true],
    ['https://iss*', 'https://iss', 'x', false],
    ['iss*', 'iss-b', 'x', true],
    ['iss*', 'iss-b', '', false],
    ['*/sub', 'https://any/thing', 'sub', true],
    ['*/sub', 'i', 'a/sub', false],
    ['*-b/sub', 'iss-b', 'sub', true],
    ['*-b/sub', 'iss-c', 'sub', false],
    ['*-1', 'i', 'sub-1', true],
    ['*-1', 'iss-1', 'x', false],
    ['*', 'i', 's', true],
    // A10: an empty subject is not presence.
    ['*', 'i', '', false],
    ['i/*', 'i', '', false],
    ['i/', 'i', '', true],
    ['i/', 'i', 's', false],
    ['i', 'i', '', true],
  ])('requestPrincipals "%s" and a token of %s about "%s": %s', (value, issuer, sub, expected) => {
    const metadata = tokenMetadata({ iss: issuer, sub });
    expect(allows(policy('ALLOW', { from: [speaks(value)] }), metadata)).toBe(expected);
    expect(allows(policy('ALLOW', { from: [speaksNot(value)] }), metadata)).toBe(!expected);
  });

  test('bytes that part issuer and subject cannot be smuggled in', () => {
    const set = policy('ALLOW', { from: [speaks('*/admin')] });
    const root = vm.configure({ rootId: 'authz', pluginConfig: compile(set) });
    const subject = (...bytes: readonly number[]): Uint8Array => {
      const placeholder = '~'.repeat(bytes.length + 5);
      const encoded = encodeMetadata(tokenMetadata({ iss, sub: placeholder }));
      const at = Buffer.from(encoded).indexOf(placeholder);
      encoded.set([...bytes, ...Buffer.from('admin')], at);
      return encoded;
    };
    expect(passes(root, subject())).toBe(true);
    for (const mark of [0xfd, 0xfe, 0xff, 0]) expect(passes(root, subject(0x78, mark))).toBe(false);
    root.retire();
  });

  // A17: only texts match, alone or in a list; blanks part a claim only where OAuth says so.
  test.each<[string, MetadataValue, boolean]>([
    ['a text', 'admin', true],
    ['a list with it', ['x', 'admin'], true],
    ['a list of other things', ['x', 1, null, { admin: 'admin' }, ['admin']], false],
    ['a text with blanks', 'admin user', false],
    ['an object with it as a key', { admin: 1 }, false],
    ['an object with it as a value', { a: 'admin' }, false],
    ['a number', 1, false],
    ['true', true, false],
    ['null', null, false],
    ['an empty list', [], false],
    ['an empty text', '', false],
    ['a text that begins so', 'admins', false],
  ])('claims[groups] is %s', (_, groups, expected) => {
    const metadata = tokenMetadata({ iss, sub: 's', groups });
    expect(allows(policy('ALLOW', { when: [claim(['groups'], 'admin')] }), metadata)).toBe(expected);
    expect(allows(policy('DENY', { when: [claim(['groups'], 'admin')] }), metadata)).toBe(!expected);
  });

  test.each<[string, MetadataValue, boolean]>([
    ['a text', 'x', true],
    ['an empty text', '', false],
    ['a list of empty texts', ['', ''], false],
    ['a list with a text', ['', 'x'], true],
    ['an object', { a: 'x' }, false],
    ['a number', 0, false],
  ])('claims[groups] is present as %s: %s', (_, groups, expected) => {
    expect(allows(policy('ALLOW', { when: [claim(['groups'], '*')] }), tokenMetadata({ groups }))).toBe(expected);
  });

  test('scope is parted at blanks, claims lie within claims, and no token has none', () => {
    expect(allows(policy('ALLOW', { when: [claim(['scope'], 'b')] }), tokenMetadata({ scope: 'a b' }))).toBe(true);
    const nested = policy('ALLOW', { when: [claim(['a', 'b'], 'x')] });
    expect(allows(nested, tokenMetadata({ a: { b: ['x'] } }))).toBe(true);
    expect(allows(nested, tokenMetadata({ a: [{ b: 'x' }] }))).toBe(false);
    expect(allows(nested, tokenMetadata({ 'a.b': 'x', b: 'x' }))).toBe(false);
    expect(allows(nested, {})).toBe(false);
    // A11: a `not` holds for what is absent.
    const not: AuthzCondition = { key: 'claim', claim: ['a'], values: { any: [], none: [stringMatch('x')] } };
    expect(allows(policy('ALLOW', { when: [not] }), {})).toBe(true);
    expect(allows(policy('ALLOW', { when: [not] }), tokenMetadata({ a: ['y', 'x'] }))).toBe(false);
  });

  test('another filter has the same claims, and is not the one that verified them', () => {
    const forged: Metadata = { 'envoy.filters.http.other': { [TOKEN_PAYLOAD]: { iss, sub: 's', groups: 'admin' } } };
    expect(allows(policy('ALLOW', { when: [claim(['groups'], 'admin')] }), forged)).toBe(false);
    expect(allows(policy('ALLOW', { from: [speaks('*')] }), forged)).toBe(false);
  });

  test('metadata of other filters, as a text or in a list', () => {
    const when = (value: string): AuthzCondition => ({
      key: 'metadata',
      filter: 'envoy.filters.x',
      name: 'k',
      values: {
        any: [
          { list: true, match: stringMatch(value) },
          { list: false, match: stringMatch('text') },
        ],
        none: [],
      },
    });
    const kept = (k: MetadataValue): Metadata => ({ 'envoy.filters.x': { k } });
    const set = policy('ALLOW', { when: [when('v')] });
    expect(allows(set, kept(['v']))).toBe(true);
    expect(allows(set, kept('v'))).toBe(false);
    expect(allows(set, kept('text'))).toBe(true);
    expect(allows(set, kept(['text']))).toBe(false);
  });

  test('claims 10,000 deep: where nobody asks, and where somebody does', () => {
    const bytes = deepBytes(10_000);
    for (const path of [['groups'], ['deep'], ['deep', 'groups'], Array.from({ length: 14 }, () => 'groups')]) {
      const root = vm.configure({
        rootId: 'authz',
        pluginConfig: compile(policy('ALLOW', { when: [claim(path, 'admin')] })),
      });
      expect(passes(root, bytes)).toBe(false);
      root.retire();
    }
    expect(vm.traps).toBe(0);
  });

  test('metadata that is cut off denies, for ALLOW and for DENY rules', () => {
    const bytes = encodeMetadata(tokenMetadata({ iss, sub: 's', groups: ['admin'], realm: { roles: ['x'] } }));
    for (const [action, value, whole] of [
      ['ALLOW', 'admin', true],
      ['DENY', 'other', true],
      ['DENY', 'admin', false],
    ] as const) {
      const root = vm.configure({
        rootId: 'authz',
        pluginConfig: compile(policy(action, { when: [claim(['groups'], value)] })),
      });
      expect(passes(root, bytes)).toBe(whole);
      for (let size = 1; size < bytes.length; size++)
        expect(passes(root, bytes.subarray(0, size)), `${size}`).toBe(false);
      root.retire();
    }
  });

  test('metadata that is broken neither traps nor allows', () => {
    const bytes = encodeMetadata({
      ...tokenMetadata({ iss, sub: 's', groups: ['user', 'x', 1, null, { a: ['b'] }], realm: { roles: ['x'] } }),
      'envoy.filters.x': { k: ['v'] },
    });
    const wanted = 'a-member-of-no-group';
    const set = policy('ALLOW', { from: [speaks(`${iss}/${wanted}`), speaks('*')], when: [claim(['groups'], wanted)] });
    const root = vm.configure({ rootId: 'authz', pluginConfig: compile(set) });
    const place = fc.nat({ max: bytes.length - 1 });
    fc.assert(
      fc.property(fc.array(fc.tuple(place, fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 }), (changes) => {
        const broken = bytes.slice();
        for (const [at, value] of changes) broken[at] = value;
        expect(passes(root, broken)).toBe(false);
      }),
      runs(build === 'debug' ? 1_000 : 5_000),
    );
    expect(vm.traps).toBe(0);
    root.retire();
  });

  test('a list of 5,000 texts against 1,000 prefixes takes no longer than a list may', { timeout: 20_000 }, () => {
    const prefixes = Array.from({ length: 1_000 }, (_, i) => `${'a'.repeat(i % 60)}${i}*`);
    const set = policy('ALLOW', { when: [claim(['groups'], ...prefixes, 'aaaa*')] });
    const root = vm.configure({ rootId: 'authz', pluginConfig: compile(set) });
    const bytes = encodeMetadata(tokenMetadata({ groups: Array.from({ length: 5_000 }, () => 'b') }));
    const began = performance.now();
    expect(passes(root, bytes)).toBe(false);
    expect(performance.now() - began).toBeLessThan(build === 'debug' ? 400 : 100);
    root.retire();
  });
});

/** Metadata of a token whose payload is a map within a map within a map, by the thousand; each under the same name. */
function deepBytes(depth: number): Uint8Array {
  let value = Buffer.from([0x1a, 5, ...Buffer.from('admin')]); // the innermost text
  const field = (number: number, bytes: Uint8Array): Buffer => {
    const size: number[] = [];
    for (let rest = bytes.length; ; rest = Math.floor(rest / 128)) {
      size.push(rest < 128 ? rest : (rest % 128) | 0x80);
      if (rest < 128) break;
    }
    return Buffer.concat([Buffer.from([(number << 3) | 2, ...size]), bytes]);
  };
  const entry = (key: string, bytes: Uint8Array): Buffer =>
    field(1, Buffer.concat([field(1, Buffer.from(key)), field(2, bytes)]));
  for (let i = 0; i < depth; i++) value = field(5, entry('groups', value)) as typeof value;
  return entry(TOKEN_FILTER, entry(TOKEN_PAYLOAD, value));
}
