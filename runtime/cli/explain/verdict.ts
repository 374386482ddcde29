import { readFile } from 'node:fs/promises';
import { Host, type Root, type Vm } from '#host/emulator.ts';
import type { AskedProvider, AuthzPolicy, AuthzRequest } from '#model/authz.ts';
import type { ServicePort } from '#model/waypoint.ts';
import { compileAuthz } from '#policy/authz/compile.ts';
import { ASKED, compileCustom, providerState } from '#policy/authz/custom.ts';
import { customProviders, explainDecision, policiesOf } from '#policy/authz/reference.ts';
import { moduleFile } from '../modules.ts';
import { missText } from './miss.ts';
import { propertiesOf } from './properties.ts';

interface Rule {
  readonly namespace: string;
  readonly name: string;
  readonly rule: number;
}

/** What the authorization filter says of a request. */
export interface Verdict {
  readonly allowed: boolean;
  readonly policies: number;
  readonly denyPolicies: number;
  readonly allowPolicies: number;
  /** Who is asked about the request before all that, and must allow it too. Absent: nobody. */
  readonly asked?: readonly AskedProvider[];
  /** Absent when nothing matched, or there are no policies. */
  readonly decidedBy?: Rule & { readonly action: AuthzPolicy['action'] };
  /** Why everything is denied: a policy that cannot be understood. */
  readonly closed?: string;
  /** For a denial without a DENY rule: the ALLOW rule that came closest, and each thing it misses. */
  readonly nearest?: Rule & { readonly missed: readonly string[] };
  /** What the filter answered, as Envoy puts it into its access log. */
  readonly details?: string;
}

/**
 * Decides about a request to an HTTP port by the filter itself: the same WebAssembly and the same program that Envoy
 * runs. The reference evaluator only puts the reasons into words; should it disagree about the verdict, that is a bug,
 * and throws.
 */
export async function judge(port: ServicePort, request: AuthzRequest): Promise<Verdict> {
  const { closed } = port.authz;
  const policies = policiesOf(port.authz, request, { protocol: 'http' });
  const { decision, nearest } = explainDecision(port.authz, request, { protocol: 'http' });
  const asked = customProviders(port.authz, request, { protocol: 'http' });
  const called = await calledProviders(port, request);
  if (asked.map(({ provider }) => provider).join() !== called.join()) {
    throw new Error(
      `the authorization filter asks "${called.join()}", and not what its reference asks: ${JSON.stringify(request)}`,
    );
  }
  const answer = await askFilter(port, request, called);
  if (answer.allowed !== decision.allowed) {
    const say = (allowed: boolean): string => (allowed ? 'allows' : 'denies');
    throw new Error(
      `the authorization filter ${say(answer.allowed)} what its reference ${say(decision.allowed)}: ${JSON.stringify(request)}`,
    );
  }
  const { policy } = decision;
  const find = ({ namespace, name }: Rule): AuthzPolicy | undefined =>
    policies.find((one) => one.namespace === namespace && one.name === name);
  const near = nearest && find(nearest)?.rules[nearest.rule];
  return {
    allowed: answer.allowed,
    policies: policies.length,
    denyPolicies: policies.filter(({ action }) => action === 'DENY').length,
    allowPolicies: policies.filter(({ action }) => action === 'ALLOW').length,
    ...(asked.length === 0 ? {} : { asked }),
    ...(policy === undefined ? {} : { decidedBy: { action: find(policy)?.action ?? 'ALLOW', ...policy } }),
    ...(closed === undefined ? {} : { closed }),
    ...(nearest === undefined || near === undefined
      ? {}
      : { nearest: { ...nearest, missed: nearest.missed.map((field) => missText(near, field, request)) } }),
    ...(answer.details === undefined ? {} : { details: answer.details }),
  };
}

interface FilterAnswer {
  readonly allowed: boolean;
  readonly details?: string;
}

/** Compiling the module takes most of the time; one VM serves all questions of a process. */
let vm: Promise<Vm> | undefined;

/** What the filter decides when those who were called have allowed it. */
async function askFilter(port: ServicePort, request: AuthzRequest, called: readonly string[]): Promise<FilterAnswer> {
  const program = compileAuthz(port.authz, targetOf(port));
  if (program === undefined) return { allowed: true };
  const { action, reply } = await runFilter('authz', program, request, called);
  return action === 'continue' ? { allowed: true } : { allowed: false, ...(reply ? { details: reply.details } : {}) };
}

/** The providers that the filter says are to be asked, sorted. */
async function calledProviders(port: ServicePort, request: AuthzRequest): Promise<readonly string[]> {
  const program = compileCustom(port.authz, targetOf(port));
  if (program === undefined) return [];
  const stream = await runFilter('custom', program, request);
  const names = new Set(port.authz.policies.flatMap(({ provider }) => provider ?? []));
  return [...names].filter((name) => stream.written(providerState(name)) !== undefined).sort();
}

const targetOf = ({ port, addresses }: ServicePort) => ({ port, addresses, protocol: 'http' as const });

async function runFilter(
  rootId: string,
  program: Uint8Array,
  request: AuthzRequest,
  called: readonly string[] = [],
): Promise<ReturnType<Root['request']>> {
  vm ??= readFile(moduleFile('authz')).then((bytes) => Host.load(bytes, { vmId: 'portolan.authz' }));
  const root = (await vm).configure({ rootId, pluginConfig: program });
  const stream = root.request({
    headers: [
      [':method', request.method],
      [':scheme', 'http'],
      [':authority', request.host],
      [':path', request.path],
      ...request.headers,
    ],
    properties: {
      ...propertiesOf(request),
      ...Object.fromEntries(called.map((name) => [`filter_state.wasm.${providerState(name)}`, ASKED])),
    },
  });
  stream.end();
  root.retire();
  return stream;
}
