import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { World } from '#admin/api.ts';
import type { AdminClient } from '#admin/client.ts';
import type { HboneTls } from '#hbone/tls.ts';
import type { SpiffeId } from '#model/identity.ts';
import type { PathNormalization } from '#model/path-normalization.ts';
import { baggageOf } from '../baggage.ts';
import type { Values } from '../command.ts';
import type { curl } from '../commands/curl.ts';
import { destinationOf, hostOf, portOf, type Destination } from '../destination.ts';
import { EXIT } from '../exit.ts';
import { Failure, usage } from '../failure.ts';
import { identityOf } from '../identity.ts';
import type { MeshEntry } from '../request.ts';
import type { Terminal } from '../terminal.ts';
import { asked, readWorld, runningPortolan } from '../world.ts';

export type CurlValues = Values<typeof curl.flags>;

/** Where a request goes, and as whom. */
export interface Target {
  readonly identity: SpiffeId | undefined;
  readonly entry: MeshEntry;
  /** `bookinfo/waypoint`, or its address when nothing more is known. */
  readonly via: string;
  /** Known when a model is: then what happened can be explained. */
  readonly destination: Destination | undefined;
  readonly pathNormalization: PathNormalization | undefined;
}

/** Looks the URL up in what runs, or in the files that are given; by hand nothing needs to be looked up. */
export async function targetOf(url: URL, values: CurlValues, terminal: Terminal): Promise<Target> {
  const isByHand = values.waypoint !== undefined && values.cert !== undefined;
  // With an address, a waypoint and certificates nothing needs to be looked up.
  const admin = isByHand && isIP(hostOf(url)) !== 0 ? undefined : await runningPortolan(values.state, terminal);
  const world = admin === undefined ? undefined : await worldOf(values, admin, terminal);
  const destination = world === undefined ? undefined : destinationOf(world.model, url, values.namespace);
  const authority = destination?.authority ?? `${url.hostname}:${portOf(url)}`;
  const { waypoint, expectedIdentity, trustDomain, pathNormalization } = await waypointOf(values, destination, admin);
  const identity = values.as === undefined ? undefined : identityOf(values.as, trustDomain);
  const tls = await credentials(values, identity, admin);
  const name = destination && `${destination.waypoint.namespace}/${destination.waypoint.name}`;
  return {
    identity,
    destination,
    pathNormalization,
    via: name ?? `${waypoint.host}:${waypoint.port}`,
    entry: {
      waypoint,
      authority,
      tls,
      ...(expectedIdentity === undefined ? {} : { expectedIdentity }),
      ...(destination === undefined || identity === undefined
        ? {}
        : { headers: baggageOf(destination.waypoint, identity) }),
    },
  };
}

const worldOf = async (values: CurlValues, admin: AdminClient, terminal: Terminal): Promise<World> =>
  values.file.length > 0 ? await readWorld(values.file, values['trust-domain'], terminal) : await asked(admin.world());

interface Entrance {
  readonly waypoint: MeshEntry['waypoint'];
  readonly expectedIdentity: SpiffeId | undefined;
  readonly trustDomain: string;
  readonly pathNormalization: PathNormalization | undefined;
}

async function waypointOf(
  values: CurlValues,
  destination: Destination | undefined,
  admin: AdminClient | undefined,
): Promise<Entrance> {
  const given = values['waypoint-identity'];
  const named = given === undefined ? undefined : identityOf(given, values['trust-domain']);
  if (values.waypoint !== undefined) {
    const trustDomain = destination?.waypoint.trustDomain ?? values['trust-domain'];
    // Of a waypoint whose process is not asked nobody knows more than the files.
    const isOurs = admin !== undefined && values.file.length === 0;
    const pathNormalization = isOurs ? (await asked(admin.status())).process.pathNormalization : undefined;
    return { waypoint: addressOf(values.waypoint), expectedIdentity: named, trustDomain, pathNormalization };
  }
  const { process, waypoints } = await asked((admin as AdminClient).status());
  const { pathNormalization } = process;
  const { namespace, name } = (destination as Destination).waypoint;
  const served = waypoints.find((one) => one.namespace === namespace && one.name === name);
  if (served === undefined) {
    throw new Failure(EXIT.unreachable, `the waypoint ${namespace}/${name} does not run here`, {
      expected:
        waypoints.length === 0
          ? 'a waypoint that runs'
          : `one of: ${waypoints.map((one) => `${one.namespace}/${one.name}`).join(', ')}`,
      next: 'portolan status, or --waypoint HOST:PORT',
    });
  }
  const { address, identity, trustDomain } = served;
  return { waypoint: address, expectedIdentity: named ?? identity, trustDomain, pathNormalization };
}

function addressOf(text: string): MeshEntry['waypoint'] {
  const match = /^(?:\[([0-9a-f:]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(text);
  const [, v6, host, port] = match ?? [];
  if (port === undefined || Number(port) > 65_535) {
    throw usage(`"${text}" is not where a waypoint is`, {
      expected: '127.0.0.1:15008, [::1]:15008 or host:15008',
      came: text,
    });
  }
  return { host: v6 ?? host ?? '', port: Number(port) };
}

async function credentials(
  values: CurlValues,
  identity: SpiffeId | undefined,
  admin: AdminClient | undefined,
): Promise<HboneTls> {
  const { cert, key, root } = values;
  if (cert !== undefined || key !== undefined || root !== undefined) {
    if (cert === undefined || key === undefined || root === undefined) {
      throw usage('--cert, --key and --root belong together', {
        next: 'portolan certs issue IDENTITY --out FOLDER makes all three',
      });
    }
    const [certificate, privateKey, ca] = await Promise.all([cert, key, root].map((path) => readFile(path, 'utf8')));
    return { cert: certificate!, key: privateKey!, ca: ca! };
  }
  if (identity === undefined || admin === undefined) {
    throw usage('curl needs to know who calls', { expected: '--as NAMESPACE/ACCOUNT, or --cert, --key and --root' });
  }
  const issued = await asked(admin.issue({ identity, ttlMs: 3_600_000 }));
  return { cert: issued.certificate, key: issued.key, ca: issued.roots };
}
