import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { BootstrapSchema } from '#gen/envoy/config/bootstrap/v3/bootstrap_pb.ts';
import { createAuthority } from '#identity/authority.ts';
import { secrets } from '#identity/secrets.ts';
import { spiffeId } from '#model/identity.ts';
import { STATS_TAGS } from '#policy/metrics/tags.ts';
import { bootstrap } from '#proxy/bootstrap.ts';
import { heapLimit } from '#proxy/heap-limit.ts';
import { statsMatcher } from '#proxy/statistics.ts';
import { createXdsServer } from '#xds/server.ts';
import { freePort } from '../../envoy/free-port.ts';
import { startPinned, type PinnedEnvoy } from './envoy.ts';
import type { Figure } from './figure.ts';
import { clientBootstrap, destinationBootstrap } from './hbone-peers.ts';
import { getRequest, writeRequests, type Load } from './load.ts';
import { callers, randomPolicies, type Call } from './policy-set.ts';
import { probe } from './probe.ts';
import type { Processors } from './processor.ts';
import { chosen, measure, type Variant } from './rounds.ts';
import { configuration, NAMESPACE, PORT, stallsOf, TRUST_DOMAIN, virtualAddress } from './stall.ts';

// A whole waypoint as the runtime configures it, over ADS, between two Envoys that speak HBONE.

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
  /** Instead of all: variants whose name has this in it. */
  readonly only?: string;
  readonly progress: (text: string) => void;
}

const CONNECTIONS = 32;

/** Measures the waypoint in the middle of a chain of three Envoys; ends all of them. */
export async function waypointChain(options: ChainOptions): Promise<readonly Figure[]> {
  const { folder, processors, load } = options;
  mkdirSync(folder, { recursive: true });
  const known = callers(10);
  const [caller = ''] = known;
  const many = randomPolicies(options.policies, options.seed, known);
  const one = randomPolicies(1, options.seed, [caller]);
  const stalls = chosen(stallsOf(many.set, one.set, options.policies), options.only);
  if (stalls.length === 0) return [];
  const destination = { address: destinationAddress(), port: PORT };
  const identities = await credentials(caller);
  const bind = { address: '127.0.0.1', port: await freePort() };
  const snapshot = configuration(stalls, destination, bind, identities.waypointSecrets, options.filters);

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
      variants.push({
        name: stall.name,
        port,
        requestFile,
        connections: CONNECTIONS,
        ...(stall.baseline === undefined ? { repeats: 3 } : { baseline: stall.baseline }),
      });
    }
    return await measure(variants, { ...options, load, pid: waypoint.pid });
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

/** Port 15008 is fixed, so every run takes a loopback address of its own. */
const destinationAddress = (): string => `127.${[1, 2, 3].map(() => 2 + Math.floor(Math.random() * 250)).join('.')}`;

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
