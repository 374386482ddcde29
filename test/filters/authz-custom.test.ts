import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AUTHZ_GENERATION, STATE_CUSTOM } from '#abi/authz.ts';
import { propertiesOf } from '#cli/explain/properties.ts';
import { ConfigurationRefused, Host, type Root, type Vm } from '#host/emulator.ts';
import type { AuthzPolicySet, AuthzRequest } from '#model/authz.ts';
import { compileAuthz, type AuthzTarget } from '#policy/authz/compile.ts';
import { compileCustom, providerState } from '#policy/authz/custom.ts';
import { openAuthz } from '#policy/authz/decode.ts';
import { customProviders, decide } from '#policy/authz/reference.ts';
import { policySets, requests } from './authz-arbitrary.ts';
import { BUILDS, loadFilter } from './load.ts';
import { mutation, runs } from './mutation.ts';

// Programs of CUSTOM rules: whom the filter says is to be asked, against the reference.

const PROVIDERS = ['opa', 'opa2', 'ns/é.example'];

/** A string whose characters are the bytes of the text: what the host takes for a header. */
const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

function ask(
  root: Root,
  request: AuthzRequest,
  state: Readonly<Record<string, string | Uint8Array>> = {},
): ReturnType<Root['request']> {
  const stream = root.request({
    headers: [
      [':method', request.method],
      [':scheme', 'http'],
      [':authority', bytes(request.host)],
      [':path', bytes(request.path)],
      ...request.headers.map(([name, value]): [string, string] => [name, bytes(value)]),
    ],
    properties: {
      ...propertiesOf(request),
      ...Object.fromEntries(Object.entries(state).map(([name, value]) => [`filter_state.wasm.${name}`, value])),
    },
  });
  stream.end();
  return stream;
}

const asked = (stream: ReturnType<Root['request']>): readonly string[] =>
  PROVIDERS.filter((provider) => stream.written(providerState(provider)) === '1').sort();

/** Sets in which some policies are CUSTOM. */
const customSets: fc.Arbitrary<AuthzPolicySet> = fc
  .tuple(policySets, fc.array(fc.option(fc.constantFrom(...PROVIDERS), { freq: 3 }), { minLength: 6, maxLength: 6 }))
  .map(([{ policies }, providers]) => {
    const all = policies.map((policy, index) => {
      const provider = providers[index];
      return provider == null ? policy : { ...policy, action: 'CUSTOM' as const, provider };
    });
    const order = ['CUSTOM', 'DENY', 'ALLOW'];
    return { policies: all.sort((a, b) => order.indexOf(a.action) - order.indexOf(b.action)) };
  });

const NONE = { any: [], none: [] };
const path = (value: string) => ({
  hosts: NONE,
  methods: NONE,
  paths: { any: [{ kind: 'prefix' as const, value }], none: [] },
  ports: NONE,
});
const custom = (name: string, provider: string, ...prefixes: readonly string[]) => ({
  namespace: 'shop',
  name,
  action: 'CUSTOM' as const,
  provider,
  rules: prefixes.map((prefix) => ({ from: [], to: [path(prefix)], when: [] })),
});

const SET: AuthzPolicySet = {
  policies: [custom('a', 'opa', '/admin', '/both'), custom('b', 'opa2', '/other', '/both'), custom('c', 'opa', '/c')],
};
const TARGET: AuthzTarget = { port: 80, addresses: ['10.0.0.1'], protocol: 'http' };
const REQUEST: AuthzRequest = {
  sourceIp: '10.0.0.7',
  destinationIp: '10.0.0.1',
  destinationPort: 80,
  host: 'shop',
  method: 'GET',
  path: '/',
  headers: [],
};

function compile(set: AuthzPolicySet, target: AuthzTarget = TARGET): Uint8Array {
  const program = compileCustom(set, target);
  if (program === undefined) throw new Error('expected a program');
  return program;
}

describe.each(BUILDS)('authz, whom CUSTOM rules ask (%s)', (build) => {
  const load = (): Promise<Vm> => Host.load(loadFilter('authz', build));
  const configured = async (set: AuthzPolicySet = SET): Promise<{ readonly vm: Vm; readonly root: Root }> => {
    const vm = await load();
    return { vm, root: vm.configure({ rootId: 'custom', pluginConfig: compile(set) }) };
  };

  test.each([
    ['/', []],
    ['/admin/x', ['opa']],
    ['/c', ['opa']],
    ['/other', ['opa2']],
    ['/both?q', ['opa', 'opa2']],
  ])('%s is put to %j', async (path, providers) => {
    const { root } = await configured();
    const stream = ask(root, { ...REQUEST, path });
    expect(stream.action).toBe('continue');
    expect(asked(stream)).toEqual(providers);
  });

  test('asks whom the reference asks', { timeout: 120_000 }, async () => {
    const vm = await load();
    const counts = new Set<number>();
    fc.assert(
      fc.property(customSets, fc.array(requests, { minLength: 4, maxLength: 8 }), fc.boolean(), (set, some, known) => {
        for (const request of some) {
          const target = known
            ? { port: request.destinationPort, addresses: [request.destinationIp], protocol: 'http' as const }
            : { port: 0, addresses: [], protocol: 'http' as const };
          const expected = customProviders(set, request, { protocol: 'http' }).map(({ provider }) => provider);
          const program = compileCustom(set, target);
          counts.add(expected.length);
          if (program === undefined) {
            expect(expected).toEqual([]);
            continue;
          }
          const root = vm.configure({ rootId: 'custom', pluginConfig: program });
          const stream = ask(root, request);
          root.retire();
          expect(stream.action).toBe('continue');
          expect(asked(stream)).toEqual([...expected].sort());
        }
      }),
      runs(build === 'debug' ? 100 : 400),
    );
    expect(vm.traps).toBe(0);
    expect([...counts].sort((a, b) => a - b)).toEqual([0, 1, 2, 3]);
  });

  test('the program of DENY and ALLOW rules lets nothing pass that was not put to whom it had to be', async () => {
    const vm = await load();
    const seen = new Set<string>();
    const providers = fc.subarray(PROVIDERS);
    const versions = fc.constantFrom('this', 'another', 'none');
    fc.assert(
      fc.property(customSets, requests, providers, versions, (set, request, told, version) => {
        const target = { port: 0, addresses: [], protocol: 'http' as const };
        const program = compileAuthz(set, target);
        const { allowed } = decide(set, request, target);
        if (program === undefined) {
          expect(allowed).toBe(true);
          return;
        }
        const generation = program.subarray(AUTHZ_GENERATION, AUTHZ_GENERATION + 4);
        const state = {
          ...Object.fromEntries(told.map((provider) => [providerState(provider), '1'])),
          ...(version === 'none' ? {} : { [STATE_CUSTOM]: version === 'this' ? generation : 'abcd' }),
        };
        const root = vm.configure({ rootId: 'authz', pluginConfig: program });
        const { action } = ask(root, request, state);
        root.retire();
        // Who put this very version of the rules to everybody has put them right.
        const missing = customProviders(set, request, target).some(({ provider }) => !told.includes(provider));
        const passes = allowed && (version === 'this' || !missing);
        seen.add(`${passes} ${version} ${missing}`);
        expect(action === 'continue').toBe(passes);
      }),
      runs(build === 'debug' ? 300 : 1_000),
    );
    expect(vm.traps).toBe(0);
    expect(seen.size).toBe(12 - 2);
  });

  test('both programs of one set are of one generation, and those of another set are not', () => {
    const generation = (program: Uint8Array | undefined) => program && openAuthz(program).u32(AUTHZ_GENERATION);
    const other = { policies: [custom('a', 'opa', '/admin')] };
    expect(generation(compileCustom(SET, TARGET))).toBe(generation(compileAuthz(SET, TARGET)));
    expect(generation(compileCustom(SET, TARGET))).not.toBe(generation(compileCustom(other, TARGET)));
    const more = { policies: [...SET.policies, { namespace: 'n', name: 'p', action: 'ALLOW' as const, rules: [] }] };
    expect(generation(compileAuthz(more, TARGET))).toBe(generation(compileAuthz(SET, TARGET)));
  });

  test('a CUSTOM rule denies a connection, about which nobody can be asked', async () => {
    const vm = await load();
    fc.assert(
      fc.property(customSets, requests, (set, request) => {
        const program = compileAuthz(set, { port: 0, addresses: [], protocol: 'tcp' });
        const { allowed } = decide(set, request, { protocol: 'tcp' });
        if (program === undefined) {
          expect(allowed).toBe(true);
          return;
        }
        const root = vm.configure({ rootId: 'authz', pluginConfig: program });
        const { action } = root.connection({ properties: propertiesOf(request) });
        root.retire();
        expect(action === 'continue').toBe(allowed);
      }),
      runs(build === 'debug' ? 100 : 400),
    );
    expect(vm.traps).toBe(0);
  });

  test('what cannot be read is refused, whoever would be asked', async () => {
    const notIp = {
      principals: NONE,
      namespaces: NONE,
      ipBlocks: { any: [], none: [{ address: '10.0.0.0', length: 8 }] },
    };
    const rules = [{ from: [notIp], to: [], when: [] }];
    const { root } = await configured({ policies: [{ ...custom('p', 'opa'), rules }] });
    const headers = { ':method': 'GET', ':path': '/', ':authority': 'shop' };
    expect(root.request({ headers, properties: {} }).reply?.status).toBe(403);
    const stream = root.request({ headers, properties: { 'source.address': '11.0.0.1:80' } });
    expect(stream.action).toBe('continue');
    expect(asked(stream)).toEqual(['opa']);
  });

  test('a closed set asks nobody, for it denies everything', () => {
    expect(compileCustom({ ...SET, closed: 'unreadable' }, TARGET)).toBeUndefined();
    expect(customProviders({ ...SET, closed: 'unreadable' }, { ...REQUEST, path: '/both' }, TARGET)).toEqual([]);
  });

  test('in the place of a program for connections it closes them', async () => {
    const { root } = await configured();
    expect(root.connection({ properties: {} }).action).toBe('close');
  });

  test('a damaged program is refused', async () => {
    const { root, vm } = await configured();
    const program = compile(SET);
    for (let at = 0; at < program.length; at++) {
      const damaged = program.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 0x55;
      expect(() => root.replace(damaged), `byte ${at}`).toThrow(ConfigurationRefused);
    }
    expect(vm.traps).toBe(0);
  });

  test('a program that is broken behind a right checksum is refused or answers: no trap, no loop', async () => {
    const vm = await load();
    const sets = fc.sample(customSets, { numRuns: 12, seed: 7 });
    const program = compile(
      { policies: sets.flatMap(({ policies }) => policies) },
      { ...TARGET, port: 0, addresses: [] },
    );
    const some = fc.sample(requests, { numRuns: 6, seed: 11 });
    let refused = 0;
    fc.assert(
      fc.property(mutation(program), (broken) => {
        try {
          const root = vm.configure({ rootId: 'custom', pluginConfig: broken });
          for (const request of some) ask(root, request);
          root.retire();
        } catch (error) {
          if (!(error instanceof ConfigurationRefused)) throw error;
          refused++;
        }
        expect(vm.traps).toBe(0);
      }),
      runs(build === 'debug' ? 300 : 3_000),
    );
    expect(refused).toBeGreaterThan(50);
  });
});
