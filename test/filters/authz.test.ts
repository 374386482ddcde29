import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Host, type Root, type Vm } from '#host/emulator.ts';
import type { AuthzDecision, AuthzRequest } from '#model/authz.ts';
import { openAuthz } from '#policy/authz/decode.ts';
import { compileAuthz, type AuthzTarget } from '#policy/authz/compile.ts';
import { decidedRule } from '#policy/authz/disassemble.ts';
import { decide } from '#policy/authz/reference.ts';
import { policySets, requests } from './authz-arbitrary.ts';
import { BUILDS, loadFilter } from './load.ts';
import { runs } from './mutation.ts';

/** A string whose characters are the bytes of the text: what the host takes for a header. */
const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

function ask(root: Root, request: AuthzRequest): ReturnType<Root['request']> {
  const bracketed = (address: string, port: number): string =>
    address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  const stream = root.request({
    headers: [
      [':method', request.method],
      [':scheme', 'http'],
      [':authority', bytes(request.host)],
      [':path', bytes(request.path)],
      ...request.headers.map(([name, value]): [string, string] => [name, bytes(value)]),
    ],
    properties: {
      'source.address': bracketed(request.sourceIp, 4711),
      'destination.address': bracketed(request.destinationIp, request.destinationPort),
      ...(request.principal === undefined ? {} : { 'filter_state.io.istio.peer_principal': request.principal }),
    },
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

describe.each(BUILDS)('authz (%s)', (build) => {
  const load = (): Promise<Vm> => Host.load(loadFilter('authz', build));

  test('decides as the reference does, and names the same rule', { timeout: 120_000 }, async () => {
    const vm = await load();
    fc.assert(
      fc.property(policySets, fc.array(requests, { minLength: 4, maxLength: 8 }), fc.boolean(), (set, asked, known) => {
        for (const request of asked) {
          // A target that is known is folded into the program; one that is not is asked for with the request.
          const target: AuthzTarget = known
            ? { port: request.destinationPort, addresses: [request.destinationIp], protocol: 'http' }
            : { port: 0, addresses: [], protocol: 'http' };
          const program = compileAuthz(set, target);
          if (program === undefined) throw new Error('expected a program');
          expect(decision(vm, program, request)).toEqual(decide(set, request, { protocol: 'http' }));
        }
      }),
      runs(build === 'debug' ? 300 : 1400),
    );
    expect(vm.traps).toBe(0);
  });
});
