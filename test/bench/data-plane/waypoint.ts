import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fromJson, toBinary, type JsonValue } from '@bufbuild/protobuf';
import { any } from '#envoy/any.ts';
import { encode } from '#envoy/encode.ts';
import { createEmitter } from '#envoy/index.ts';
import { filterName, portName, type Feature } from '#envoy/names.ts';
import { DEFAULTS } from '#envoy/options.ts';
import { EXTENSION, SECRET, type XdsResource, type XdsSnapshot } from '#envoy/resource.ts';
import { BootstrapSchema } from '#gen/envoy/config/bootstrap/v3/bootstrap_pb.ts';
import { TypedExtensionConfigSchema } from '#gen/envoy/config/core/v3/extension_pb.ts';
import { RBACSchema } from '#gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts';
import { create } from '@bufbuild/protobuf';
import { createAuthority } from '#identity/authority.ts';
import { secrets } from '#identity/secrets.ts';
import type { AuthzPolicySet } from '#model/authz.ts';
import type { Backend, Endpoint, ServiceName } from '#model/backend.ts';
import { spiffeId } from '#model/identity.ts';
import type { ServicePort, Waypoint } from '#model/waypoint.ts';
import { STATS_TAGS } from '#policy/metrics/tags.ts';
import { split } from '#policy/service-port.fixture.ts';
import { bootstrap } from '#proxy/bootstrap.ts';
import { heapLimit } from '#proxy/heap-limit.ts';
import { statsMatcher } from '#proxy/statistics.ts';
import { createXdsServer } from '#xds/server.ts';
import { freePort } from '../../envoy/free-port.ts';
import { startPinned, type PinnedEnvoy } from './envoy.ts';
import type { Figure } from './figure.ts';
import { clientBootstrap, destinationBootstrap } from './hbone-peers.ts';
import { getRequest, writeRequests, type Load } from './load.ts';
import { rulesConfig } from './native-rbac.ts';
import { randomPolicies, type Call } from './policy-set.ts';
import { probe } from './probe.ts';
import type { Processors } from './processor.ts';
import { measure, type Variant } from './rounds.ts';

// A whole waypoint as the runtime configures it, over ADS, between two Envoys that speak HBONE. One waypoint holds
// every variant: each is a service of its own, so that nothing but its filters differs.

export interface ChainOptions {
  readonly envoy: string;
  /** Holds `<filter>.release.wasm`. */
  readonly filters: string;
  readonly folder: string;
  readonly load: Load;
  readonly processors: Processors;
  readonly rounds: number;
  readonly sliceMs: number;
  readonly seed: number;
  readonly policies: number;
  readonly progress: (text: string) => void;
}

const TRUST_DOMAIN = 'cluster.local';
const NAMESPACE = 'shop';
const PORT = 9080;
const FEATURES: readonly Feature[] = ['metrics', 'authz', 'fault', 'routing'];

export const BARE = 'waypoint without filters';
export const NATIVE_ONE = 'native RBAC rules, 1';
export const ALL_FEATURES = 'waypoint, all four';

/** One service of the waypoint. */
interface Stall {
  readonly name: string;
  readonly features: readonly Feature[];
  readonly policies: AuthzPolicySet;
  /** Stock RBAC with the same policies in the place of our filter. */
  readonly native?: boolean;
}

export async function waypointChain(options: ChainOptions): Promise<readonly Figure[]> {
  const { folder, processors, load } = options;
  mkdirSync(folder, { recursive: true });
  const callers = Array.from({ length: 10 }, (_, i) => spiffeId(TRUST_DOMAIN, NAMESPACE, `caller-${i}`));
  const [caller = ''] = callers;
  const many = randomPolicies(options.policies, options.seed, callers);
  const one = randomPolicies(1, options.seed, [caller]);
  const stalls = stallsOf(many.set, one.set, options.policies);
  const destination = { address: destinationAddress(), port: PORT };
  const identities = await credentials(caller);
  const bind = { address: '127.0.0.1', port: await freePort() };
  const snapshot = await configuration(stalls, destination, bind, identities.waypointSecrets, options.filters);

  const server = createXdsServer({ authorize: (node) => ({ key: node.key }) });
  const key = `${NAMESPACE}/waypoint`;
  server.setSnapshot(key, snapshot);
  const xdsSocket = join(folder, 'xds', 'xds.sock');
  await server.listen(xdsSocket);
  const started: PinnedEnvoy[] = [];
  const start = async (name: string, processor: number, config: Parameters<typeof startPinned>[0]['bootstrap']) => {
    const envoy = await startPinned({
      binary: options.envoy,
      processor,
      folder: join(folder, name),
      bootstrap: config,
    });
    started.push(envoy);
    return envoy;
  };
  try {
    options.progress('starting three Envoys');
    const { root } = identities;
    await start(
      'destination',
      processors.rest,
      destinationBootstrap({ own: identities.destination, root, ...destination }),
    );
    const waypoint = await start('waypoint', processors.measured, await waypointBootstrap(folder, xdsSocket));
    const { nacks } = await server.settled(key, AbortSignal.timeout(30_000));
    if (nacks[0] !== undefined) throw new Error(`Envoy refused ${nacks[0].name}: ${nacks[0].reason}`);
    const authorities = new Map(stalls.map(({ name }, i) => [name, `${virtualAddress(i)}:${PORT}`]));
    const client = await start(
      'client',
      processors.rest,
      clientBootstrap({ own: identities.caller, root, waypoint: bind, authorities }),
    );
    const variants: Variant[] = [];
    for (const stall of stalls) {
      const { policies, features, native } = stall;
      const allowed = (policies === one.set ? one : many).allowed.filter((call) => call.principal === caller);
      const port = await client.port(stall.name);
      const guarded = native || features.includes('authz');
      await expectStatus(stall.name, port, allowed[0], 200);
      if (guarded) await expectStatus(stall.name, port, { path: '/nowhere', principal: caller }, 403);
      const requestFile = join(folder, policies === one.set ? 'one' : 'many');
      writeRequests(requestFile, allowed.map(textOf));
      const bare = stall.name === BARE;
      variants.push({ name: stall.name, port, requestFile, ...(bare ? { repeats: 3 } : { baseline: BARE }) });
    }
    const figures = await measure(variants, { ...options, load, pid: waypoint.pid });
    return figures;
  } finally {
    await Promise.all(started.map((envoy) => envoy.stop()));
    await server.close();
  }
}

const textOf = ({ path }: Call): string => getRequest(path, { host: 'reviews:9080', 'user-agent': 'bench' });

async function expectStatus(name: string, port: number, call: Call | undefined, expected: number): Promise<void> {
  const status = call === undefined ? 0 : await probe(port, textOf(call));
  if (status !== expected) throw new Error(`${name}: expected ${expected} for ${call?.path}, came ${status}`);
}

function stallsOf(many: AuthzPolicySet, one: AuthzPolicySet, count: number): readonly Stall[] {
  const size = count.toLocaleString('en');
  return [
    { name: BARE, features: [], policies: many },
    { name: `authz, ${size}`, features: ['authz'], policies: many },
    { name: `native RBAC rules, ${size}`, features: ['authz'], policies: many, native: true },
    { name: NATIVE_ONE, features: ['authz'], policies: one, native: true },
    { name: 'routing', features: ['routing'], policies: many },
    { name: 'fault', features: ['fault'], policies: many },
    { name: 'metrics', features: ['metrics'], policies: many },
    { name: ALL_FEATURES, features: FEATURES, policies: many },
  ];
}

/** Port 15008 is fixed, so every run takes a loopback address of its own. */
const destinationAddress = (): string => `127.${[1, 2, 3].map(() => 2 + Math.floor(Math.random() * 250)).join('.')}`;

const virtualAddress = (i: number): string => `10.96.7.${i + 1}`;

async function credentials(caller: string) {
  const authority = await createAuthority(TRUST_DOMAIN);
  const issue = (id: string) => authority.issue({ spiffeId: id });
  const workload = await issue(spiffeId(TRUST_DOMAIN, NAMESPACE, 'waypoint'));
  return {
    root: authority.root,
    caller: await issue(caller),
    destination: await issue(spiffeId(TRUST_DOMAIN, NAMESPACE, 'reviews')),
    waypointSecrets: secrets({ workload, roots: authority.root }),
  };
}

/** What the runtime would serve: every stall emitted with its own filters, all in one snapshot. */
async function configuration(
  stalls: readonly Stall[],
  destination: { readonly address: string; readonly port: number },
  bind: { readonly address: string; readonly port: number },
  identity: readonly XdsResource[],
  filters: string,
): Promise<XdsSnapshot> {
  const module = (feature: Feature): string => join(filters, `${feature}.release.wasm`);
  const modules = {
    authz: module('authz'),
    routing: module('routing'),
    fault: module('fault'),
    metrics: module('metrics'),
  };
  const merged = new Map<string, Map<string, XdsResource>>();
  for (const [i, stall] of stalls.entries()) {
    const without = FEATURES.filter((feature) => !stall.features.includes(feature));
    const waypoint = waypointOf(stall, i, destination);
    const emitted = createEmitter({ ...DEFAULTS, bind, modules, without })(waypoint);
    for (const [type, resources] of emitted) merged.set(type, new Map([...(merged.get(type) ?? []), ...resources]));
    const [port] = waypoint.ports;
    if (stall.native && port) {
      const name = filterName('authz', portName(port));
      merged.get(EXTENSION)?.set(name, nativeFilter(name, stall.policies));
    }
  }
  return merged.set(SECRET, new Map(identity.map((secret) => [secret.name, secret])));
}

function nativeFilter(name: string, policies: AuthzPolicySet): XdsResource {
  const { '@type': _type, ...rules } = rulesConfig(policies);
  const config = fromJson(RBACSchema, rules as JsonValue);
  return encode(
    name,
    TypedExtensionConfigSchema,
    create(TypedExtensionConfigSchema, { name, typedConfig: any(RBACSchema, config) }),
  );
}

function waypointOf(stall: Stall, i: number, destination: { address: string; port: number }): Waypoint {
  const service: ServiceName = {
    namespace: NAMESPACE,
    name: `stall-${i}`,
    host: `stall-${i}.${NAMESPACE}.svc.cluster.local`,
  };
  const endpoint: Endpoint = {
    ...destination,
    tunnel: 'hbone',
    identity: spiffeId(TRUST_DOMAIN, NAMESPACE, 'reviews'),
    workload: { name: 'reviews-v1', namespace: NAMESPACE, app: 'reviews', version: 'v1' },
    weight: 1,
  };
  const backends = ['v1', 'v2'].map((subset): Backend => ({
    name: `inbound-vip|${PORT}|http/${subset}|${service.host}`,
    service,
    port: PORT,
    protocol: 'http',
    endpoints: [endpoint],
    connectTimeoutMs: 5_000,
    loadBalancer: 'LEAST_REQUEST',
  }));
  const [first, second] = backends.map(({ name }) => name);
  const route = split('default', { [first ?? '']: 90, [second ?? '']: 10 });
  const fault = stall.features.includes('fault') ? { fault: { delay: { fixedMs: 1, perMillion: 1 } } } : {};
  const port: ServicePort = {
    service,
    port: PORT,
    addresses: [virtualAddress(i)],
    protocol: 'http',
    backend: first ?? '',
    routes: [{ ...route, ...fault }],
    authz: stall.policies,
  };
  return {
    namespace: NAMESPACE,
    name: 'waypoint',
    trustDomain: TRUST_DOMAIN,
    ports: [port],
    backends,
    workloads: [],
    workloadAuthz: { policies: [] },
    sources: [],
  };
}

async function waypointBootstrap(folder: string, xdsSocket: string): Promise<Uint8Array> {
  const matcher = statsMatcher('proxy');
  const message = bootstrap({
    namespace: NAMESPACE,
    name: 'waypoint',
    instance: 'bench',
    xdsSocket,
    adminSocket: join(folder, 'waypoint', 'admin.sock'),
    maxHeapBytes: await heapLimit(),
    statsTags: STATS_TAGS,
    ...(matcher && { statsMatcher: matcher }),
  });
  return toBinary(BootstrapSchema, message);
}
