import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { propertiesOf } from '#cli/explain/properties.ts';
import { ConfigurationRefused, Host, type Root, type Vm } from '#host/emulator.ts';
import type { AuthzDecision, AuthzPolicySet, AuthzRequest } from '#model/authz.ts';
import { compileAuthz, type AuthzTarget } from '#policy/authz/compile.ts';
import { openAuthz } from '#policy/authz/decode.ts';
import { decidedRule } from '#policy/authz/disassemble.ts';
import { decide } from '#policy/authz/reference.ts';
import { policySets, requests } from './authz-arbitrary.ts';
import { BUILDS, loadFilter } from './load.ts';
import { mutation, runs } from './mutation.ts';

const PRINCIPAL = 'filter_state.io.istio.peer_principal';
const ALICE = 'spiffe://cluster.local/ns/a/sa/alice';

/** A string whose characters are the bytes of the text: what the host takes for a header. */
const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

function ask(root: Root, request: AuthzRequest): ReturnType<Root['request']> {
  const stream = root.request({
    headers: [
      [':method', request.method],
      [':scheme', 'http'],
      [':authority', bytes(request.host)],
      [':path', bytes(request.path)],
      ...request.headers.map(([name, value]): [string, string] => [name, bytes(value)]),
    ],
    properties: propertiesOf(request),
  });
  stream.end();
  return stream;
}

/** What the filter decides, named by the rule it says decided. */
function decision(vm: Vm, program: Uint8Array, request: AuthzRequest): AuthzDecision {
  const root = vm.configure({ rootId: 'authz', pluginConfig: program });
  vm.exported('portolan_explain', 1);
  const { action } = ask(root, request);
  const rule = decidedRule(openAuthz(program), vm.exported('portolan_decision') ?? -1);
  root.retire();
  const allowed = action === 'continue';
  return rule === undefined
    ? { allowed }
    : { allowed, policy: { namespace: rule.namespace, name: rule.name, rule: rule.index } };
}

function compile(set: AuthzPolicySet, target: Partial<AuthzTarget> = {}): Uint8Array {
  const program = compileAuthz(set, { port: 80, addresses: ['10.0.0.1'], protocol: 'http', ...target });
  if (program === undefined) throw new Error('expected a program');
  return program;
}

const NONE = { any: [], none: [] };
const anyone = { principals: NONE, namespaces: NONE, ipBlocks: NONE };
const anything = { hosts: NONE, methods: NONE, paths: NONE, ports: NONE };
const exactly = (...values: string[]) => ({
  any: values.map((value) => ({ kind: 'exact' as const, value })),
  none: [],
});

/** Alice may GET anything but /admin. */
const SET: AuthzPolicySet = {
  policies: [
    {
      namespace: 'shop',
      name: 'no-admin',
      action: 'DENY',
      rules: [{ from: [], to: [{ ...anything, paths: exactly('/admin') }], when: [] }],
    },
    {
      namespace: 'shop',
      name: 'alice',
      action: 'ALLOW',
      rules: [
        { from: [{ ...anyone, principals: exactly('spiffe://cluster.local/ns/x/sa/y') }], to: [], when: [] },
        {
          from: [{ ...anyone, principals: exactly(ALICE) }],
          to: [{ ...anything, methods: exactly('GET') }],
          when: [],
        },
      ],
    },
  ],
};

const REQUEST: AuthzRequest = {
  principal: ALICE,
  sourceIp: '10.0.0.7',
  destinationIp: '10.0.0.1',
  destinationPort: 80,
  host: 'shop',
  method: 'GET',
  path: '/cart',
  headers: [],
};

/** One program with a bit of everything that a program can have. */
function manySided(): Uint8Array {
  const sets = fc.sample(policySets, { numRuns: 12, seed: 7 });
  return compile({ policies: sets.flatMap(({ policies }) => policies) }, { port: 0, addresses: [] });
}

describe.each(BUILDS)('authz (%s)', (build) => {
  const load = (): Promise<Vm> => Host.load(loadFilter('authz', build));
  const configured = async (set: AuthzPolicySet = SET): Promise<{ readonly vm: Vm; readonly root: Root }> => {
    const vm = await load();
    return { vm, root: vm.configure({ rootId: 'authz', pluginConfig: compile(set) }) };
  };

  test('allows and denies with the words of Envoy', async () => {
    const { root } = await configured();
    expect(ask(root, REQUEST).action).toBe('continue');
    const denied = ask(root, { ...REQUEST, path: '/admin?x=1' });
    expect(denied.reply).toMatchObject({ status: 403, body: 'RBAC: access denied' });
    expect(denied.reply?.details).toBe('rbac_access_denied_matched_policy[ns[shop]-policy[no-admin]-rule[0]]');
    const missed = ask(root, { ...REQUEST, method: 'POST' });
    expect(missed.reply?.details).toBe('rbac_access_denied_matched_policy[none]');
  });

  test('says which rule decided', async () => {
    const vm = await load();
    expect(decision(vm, compile(SET), REQUEST).policy).toEqual({ namespace: 'shop', name: 'alice', rule: 1 });
  });

  test('decides as the reference does, and names the same rule', { timeout: 120_000 }, async () => {
    const vm = await load();
    const verdicts = new Set<string>();
    fc.assert(
      fc.property(policySets, fc.array(requests, { minLength: 4, maxLength: 8 }), fc.boolean(), (set, asked, known) => {
        for (const request of asked) {
          // A target that is known is folded into the program; one that is not is asked for with the request.
          const target = known
            ? { port: request.destinationPort, addresses: [request.destinationIp] }
            : { port: 0, addresses: [] };
          const expected = decide(set, request, { protocol: 'http' });
          verdicts.add(`${expected.allowed} by ${expected.policy ? 'a rule' : 'none'}`);
          expect(decision(vm, compile(set, target), request)).toEqual(expected);
        }
      }),
      runs(build === 'debug' ? 100 : 400),
    );
    expect(vm.traps).toBe(0);
    expect([...verdicts].sort()).toEqual(['false by a rule', 'false by none', 'true by a rule', 'true by none']);
  });

  test('no identity, and an identity that is two', async () => {
    const { root } = await configured();
    const { principal: _, ...nobody } = REQUEST;
    expect(ask(root, nobody).reply?.status).toBe(403);
    const notAlice = { any: [], none: [{ kind: 'exact' as const, value: ALICE }] };
    const rule = { from: [{ ...anyone, principals: notAlice }], to: [], when: [] };
    const others = await configured({ policies: [{ namespace: 'n', name: 'p', action: 'ALLOW', rules: [rule] }] });
    expect(ask(others.root, { ...REQUEST, principal: 'spiffe://x/ns/a/sa/b' }).action).toBe('continue');
    expect(ask(others.root, { ...REQUEST, principal: `spiffe://x/ns/a/sa/b,${ALICE}` }).reply?.status).toBe(403);
  });

  test.each([
    ['no address', {}],
    ['an address that is none', { 'source.address': '/run/a.sock' }],
  ])('what cannot be read denies: %s', async (_name, properties) => {
    const notIp = { ...anyone, ipBlocks: { any: [], none: [{ address: '10.0.0.0', length: 8 }] } };
    const rules = [{ from: [notIp], to: [], when: [] }];
    const { root } = await configured({ policies: [{ namespace: 'n', name: 'p', action: 'ALLOW', rules }] });
    const headers = { ':method': 'GET', ':path': '/', ':authority': 'shop' };
    expect(root.request({ headers, properties }).reply?.status).toBe(403);
    const stream = root.request({ headers, properties: { 'source.address': '11.0.0.1:80' } });
    expect(stream.action).toBe('continue');
  });

  test('a request without :path does not pass where a path must not be', async () => {
    const notAdmin = { ...anything, paths: { any: [], none: [{ kind: 'exact' as const, value: '/admin' }] } };
    const rules = [{ from: [], to: [notAdmin], when: [] }];
    const { root } = await configured({ policies: [{ namespace: 'n', name: 'p', action: 'ALLOW', rules }] });
    const without = root.request({ headers: { ':method': 'CONNECT', ':authority': 'shop:80' }, properties: {} });
    expect(without.reply?.status).toBe(403);
  });

  test('every line of a repeated header counts, whatever their order', async () => {
    const when = [{ key: 'header' as const, header: 'x-role', values: exactly('admin') }];
    const { root } = await configured({
      policies: [{ namespace: 'n', name: 'p', action: 'DENY', rules: [{ from: [], to: [], when }] }],
    });
    const lines = (...values: string[]): AuthzRequest => ({
      ...REQUEST,
      headers: values.map((value): [string, string] => ['x-role', value]),
    });
    expect(ask(root, lines('guest', 'admin')).reply?.status).toBe(403);
    expect(ask(root, lines('admin', 'guest')).reply?.status).toBe(403);
    expect(ask(root, lines('guest,admin')).action).toBe('continue');
  });

  test('a closed set denies everything', async () => {
    const { root, vm } = await configured({ policies: [], closed: 'policy a/b cannot be read' });
    expect(ask(root, REQUEST).reply?.details).toBe('rbac_access_denied_matched_policy[none]');
    expect(vm.logs.some(({ message }) => message.includes('everything is denied'))).toBe(true);
  });

  test('a connection of TCP', async () => {
    const vm = await load();
    const rules = [{ from: [{ ...anyone, principals: exactly(ALICE) }], to: [], when: [] }];
    const set: AuthzPolicySet = { policies: [{ namespace: 'n', name: 'p', action: 'ALLOW', rules }] };
    const root = vm.configure({ rootId: 'authz', pluginConfig: compile(set, { protocol: 'tcp' }) });
    expect(root.connection({ properties: { [PRINCIPAL]: ALICE } }).action).toBe('continue');
    expect(root.connection({ properties: { [PRINCIPAL]: `${ALICE}x` } }).action).toBe('close');
    expect(root.connection().action).toBe('close');
  });

  test('a stream keeps the program that it began with', async () => {
    const { root } = await configured();
    const open = compile({ policies: [] as never, closed: 'shut' });
    const next = root.replace(open);
    expect(ask(next, REQUEST).reply?.status).toBe(403);
  });

  test('a damaged program is refused, and the one before stays', async () => {
    const { root, vm } = await configured();
    const program = compile(SET);
    for (let at = 0; at < program.length; at++) {
      const damaged = program.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 0x55;
      expect(() => root.replace(damaged), `byte ${at}`).toThrow(ConfigurationRefused);
    }
    expect(() => root.replace(program.subarray(0, 100))).toThrow(ConfigurationRefused);
    expect(() => root.replace(new Uint8Array())).toThrow(ConfigurationRefused);
    expect(ask(root, REQUEST).action).toBe('continue');
    expect(vm.traps).toBe(0);
  });

  test('a program that is broken behind a right checksum is refused or answers: no trap, no loop', async () => {
    const vm = await load();
    const asked = fc.sample(requests, { numRuns: 6, seed: 11 });
    let refused = 0;
    let accepted = 0;
    fc.assert(
      fc.property(mutation(manySided()), (program) => {
        try {
          const root = vm.configure({ rootId: 'authz', pluginConfig: program });
          accepted++;
          for (const request of asked) ask(root, request);
          root.retire();
        } catch (error) {
          if (!(error instanceof ConfigurationRefused)) throw error;
          refused++;
        }
        expect(vm.traps).toBe(0);
      }),
      runs(build === 'debug' ? 500 : 5_000),
    );
    expect(refused).toBeGreaterThan(100);
    expect(accepted).toBeGreaterThan(50);
  });
});
