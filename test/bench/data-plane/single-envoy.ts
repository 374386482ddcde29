import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AuthzPolicySet } from '#model/authz.ts';
import { compileAuthz } from '#policy/authz/compile.ts';
import { compileFault } from '#policy/fault/compile.ts';
import { compileMetrics } from '#policy/metrics/compile.ts';
import { STATS_TAGS } from '#policy/metrics/tags.ts';
import { compileRouting } from '#policy/routing/compile.ts';
import { servicePort, split } from '#policy/service-port.fixture.ts';
import { startPinned } from './envoy.ts';
import type { Figure } from './figure.ts';
import { getRequest, writeRequests, type Load } from './load.ts';
import { matcherConfig, rulesConfig } from './native-rbac.ts';
import {
  adversarialPolicies,
  callers,
  randomPolicies,
  type Call,
  type CallKind,
  type PolicySet,
} from './policy-set.ts';
import { probe } from './probe.ts';
import { chosen, measure, type Variant } from './rounds.ts';

// One Envoy, one listener a variant, each a connection manager whose route answers by itself: nothing but a filter
// differs, and nothing is between it and the clock.
//
//   load generator ── HTTP/1.1, 16 connections ──► set_filter_state ─► the filter under test ─► direct response
//
// The caller's identity comes from a header, so that keys are random; in a waypoint it comes from the tunnel.

type Json = Readonly<Record<string, unknown>>;

export interface BedOptions {
  readonly envoy: string;
  /** Holds `<filter>.release.wasm`. */
  readonly filters: string;
  readonly folder: string;
  readonly load: Load;
  readonly processor: number;
  readonly rounds: number;
  readonly sliceMs: number;
  readonly seed: number;
  /** Modules from elsewhere, by the name that they are shown with. They get no configuration. */
  readonly modules: ReadonlyMap<string, string>;
  /** Instead of all: variants whose name has this in it. */
  readonly only?: string;
  /** Numbers of policies of the comparison. */
  readonly sizes: readonly number[];
  /** Number of policies of the adversarial sets; 0: they are left out. */
  readonly adversarial: number;
  readonly progress: (text: string) => void;
}

/** A listener of the harness with what is sent to it. */
interface Bench {
  readonly name: string;
  readonly baseline?: string;
  readonly repeats?: number;
  /** Called for those that are measured. */
  readonly filters: () => readonly Json[];
  readonly requests: readonly Call[];
  readonly file: string;
  readonly refused?: Call;
}

const HTTP = 'type.googleapis.com/envoy.extensions.filters';
const ROUTE = 'reviews';
const CONNECTIONS = 16;

/** Names of variants that verdicts and plots ask for. */
export const NONE: Readonly<Record<CallKind, string>> = {
  caller: 'no filter',
  tenant: 'no filter, a header more',
  address: 'no filter, an address more',
};
export const BARE_MODULE = 'bare module';
export const BARE_READS = 'bare module, reads path and caller';
export const EMPTY = 'empty filter';
export const ALL = 'all four';
export const authzName = (size: number): string => `authz, ${size.toLocaleString('en')}`;
export const rulesName = (size: number): string => `RBAC rules, ${size.toLocaleString('en')}`;
export const matcherName = (size: number): string => `RBAC matcher, ${size.toLocaleString('en')}`;

/** Measures filters one by one in an Envoy that answers by itself; ends it. */
export async function singleEnvoy(options: BedOptions): Promise<readonly Figure[]> {
  const { folder, progress } = options;
  mkdirSync(folder, { recursive: true });
  progress('writing policies');
  const benches = chosen(allBenches(options), options.only);
  if (benches.length === 0) return [];
  const bootstrap = {
    node: { id: 'bench', cluster: 'bench' },
    stats_config: { stats_tags: STATS_TAGS.map(({ tagName, regex }) => ({ tag_name: tagName, regex })) },
    static_resources: { listeners: benches.map(listener) },
  };
  progress('starting Envoy');
  const envoy = await startPinned({
    binary: options.envoy,
    processor: options.processor,
    folder: join(folder, 'envoy'),
    bootstrap,
  });
  try {
    const variants: Variant[] = [];
    const written = new Set<string>();
    for (const { name, baseline, repeats, requests, file, refused } of benches) {
      const port = await envoy.port(name);
      const requestFile = join(folder, file);
      if (!written.has(file)) writeRequests(requestFile, requests.map(textOf));
      written.add(file);
      await expectStatus(name, port, requests[0], 200);
      if (refused) await expectStatus(name, port, refused, 403);
      variants.push({
        name,
        port,
        requestFile,
        connections: CONNECTIONS,
        ...(baseline && { baseline }),
        ...(repeats && { repeats }),
      });
    }
    return await measure(variants, { ...options, pid: envoy.pid });
  } finally {
    await envoy.stop();
  }
}

/** A filter that lets everything pass, or nothing, would be fast. */
async function expectStatus(name: string, port: number, call: Call | undefined, expected: number): Promise<void> {
  const status = call === undefined ? 0 : await probe(port, textOf(call));
  if (status !== expected) throw new Error(`${name}: expected ${expected} for ${JSON.stringify(call)}, came ${status}`);
}

const textOf = ({ path, principal, tenant, address }: Call): string =>
  getRequest(path, {
    host: 'reviews:9080',
    'x-principal': principal,
    ...(tenant === undefined ? {} : { 'x-tenant': tenant }),
    ...(address === undefined ? {} : { 'x-forwarded-for': address }),
  });

function allBenches(options: BedOptions): readonly Bench[] {
  const { sizes, seed, adversarial } = options;
  const sets = sizes.map((size) => ({ size, policies: randomPolicies(size, seed + size) }));
  const hard = adversarial > 0 ? adversarialPolicies(adversarial, seed) : [];
  const usual = randomPolicies(1_000, seed, callers(100));
  const wasm = (feature: string, program: Uint8Array | undefined): Json => {
    if (program === undefined) throw new Error(`expected a program for ${feature}, came none`);
    return wasmFilter(join(options.filters, `${feature}.release.wasm`), feature, program);
  };
  const bare = (name: string, configuration?: Uint8Array): Json =>
    wasmFilter(join(options.filters, 'bare.release.wasm'), name, configuration);
  const authz = (set: AuthzPolicySet) => wasm('authz', authzProgram(set));
  const port = servicePort([{ ...split(ROUTE, { v1: 90, v2: 10 }), fault: NEVER }]);
  const metrics = () => wasm('metrics', compileMetrics());
  const fault = () => wasm('fault', compileFault(port));
  const routing = () => wasm('routing', compileRouting(port));
  const base = { baseline: NONE.caller, requests: usual.allowed, file: 'usual' };
  const kinds = (['caller', 'tenant', 'address'] as const).filter(
    (kind) => kind === 'caller' || hard.some((set) => set.kind === kind),
  );
  return [
    ...kinds.map((kind): Bench => {
      const requests = hard.find((set) => set.kind === kind && kind !== 'caller')?.allowed ?? usual.allowed;
      return { name: NONE[kind], filters: () => [], requests, file: kind, repeats: kind === 'caller' ? 3 : 1 };
    }),
    ...[...options.modules].map(([name, file]): Bench => ({ ...base, name, filters: () => [wasmFilter(file, name)] })),
    { ...base, name: BARE_MODULE, filters: () => [bare('bare')], repeats: 2 },
    { ...base, name: BARE_READS, filters: () => [bare('bare-reads', Uint8Array.of(1))], repeats: 2 },
    { ...base, name: EMPTY, filters: () => [wasm('empty', compileMetrics())], repeats: 2 },
    { ...base, name: 'routing', filters: () => [routing()] },
    { ...base, name: 'fault', filters: () => [fault()] },
    { ...base, name: 'metrics', filters: () => [metrics()] },
    { ...base, name: ALL, filters: () => [metrics(), authz(usual.set), fault(), routing()], refused: usual.refused },
    ...sets.flatMap(({ size, policies }): Bench[] => {
      const { set, allowed: requests, refused } = policies;
      const repeats = size === 1_000 ? 2 : 1;
      const common = { baseline: NONE.caller, requests, refused, file: `random-${size}`, repeats };
      return [
        { ...common, name: authzName(size), filters: () => [authz(set)] },
        { ...common, name: rulesName(size), filters: () => [filter('rbac', rulesConfig(set))] },
        { ...common, name: matcherName(size), filters: () => [filter('rbac', matcherConfig(set))] },
      ];
    }),
    ...hard.map((policies, i): Bench => adversary(policies, () => [authz(policies.set)], i)),
  ];
}

const adversary = ({ name, kind, allowed, refused }: PolicySet, filters: Bench['filters'], i: number): Bench => ({
  name: `authz, ${name}`,
  baseline: NONE[kind],
  filters,
  requests: allowed,
  refused,
  file: `adversarial-${i}`,
});

/** Configured, and as good as never hit: one request of a million waits a millisecond. */
const NEVER = { delay: { fixedMs: 1, perMillion: 1 } };

function authzProgram(set: AuthzPolicySet): Uint8Array {
  const program = compileAuthz(set, { port: 9080, addresses: ['10.96.0.10'], protocol: 'http' });
  if (program === undefined) throw new Error('expected policies, came none');
  return program;
}

const filter = (name: string, typedConfig: Json): Json => ({ name, typed_config: typedConfig });

/** As the emitter writes it, but for the program, which is here in the listener. */
function wasmFilter(filename: string, feature: string, program?: Uint8Array): Json {
  return filter(feature, {
    '@type': `${HTTP}.http.wasm.v3.Wasm`,
    config: {
      name: feature,
      root_id: feature,
      vm_config: {
        vm_id: `portolan.${feature}`,
        runtime: 'envoy.wasm.runtime.v8',
        code: { local: { filename } },
      },
      ...(program && {
        configuration: {
          '@type': 'type.googleapis.com/google.protobuf.BytesValue',
          value: Buffer.from(program).toString('base64'),
        },
      }),
      failure_policy: 'FAIL_RELOAD',
    },
  });
}

const state = (key: string, format: string): Json => ({
  object_key: key,
  factory_key: 'envoy.hashable_string',
  format_string: { text_format_source: { inline_string: format } },
});

/** In every listener alike, the one without a filter too. */
const SET_PRINCIPAL = filter('state', {
  '@type': `${HTTP}.http.set_filter_state.v3.Config`,
  on_request_headers: [
    state('io.istio.peer_principal', '%REQ(x-principal)%'),
    state('portolan.parties', 'reviews.shop.svc.cluster.local;reviews;shop\n\n%REQ(x-principal)%'),
  ],
});

const ROUTER = filter('router', { '@type': `${HTTP}.http.router.v3.Router` });

const listener = ({ name, filters }: Bench): Json => ({
  name,
  address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
  filter_chains: [
    {
      filters: [
        filter('http', {
          '@type': `${HTTP}.network.http_connection_manager.v3.HttpConnectionManager`,
          stat_prefix: 'bench',
          // X-Forwarded-For says the address: the generator has but one of its own.
          use_remote_address: false,
          route_config: {
            name: 'bench',
            virtual_hosts: [
              {
                name: 'all',
                domains: ['*'],
                routes: [
                  {
                    name: ROUTE,
                    match: { prefix: '/' },
                    direct_response: { status: 200, body: { inline_string: 'ok' } },
                  },
                ],
              },
            ],
          },
          http_filters: [SET_PRINCIPAL, ...filters(), ROUTER],
        }),
      ],
    },
  ],
});
