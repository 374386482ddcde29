import type { Running } from '#admin/api.ts';
import { baggageOf } from '#cli/baggage.ts';
import { destinationOf, type Destination } from '#cli/destination.ts';
import { identityOf } from '#cli/identity.ts';
import { openMesh, type MeshConnection, type MeshResponse } from '#cli/request.ts';
import { createHboneClient } from '#hbone/client.ts';
import type { Waypoint } from '#model/waypoint.ts';

export interface Call {
  /** `default/curl` */
  readonly as: string;
  readonly method?: string;
  readonly url: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** Sends requests to the running waypoint as anybody, over HBONE. */
export interface Caller {
  destination(url: string): Destination;
  send(call: Call): Promise<MeshResponse>;
  close(): Promise<void>;
}

const PATIENCE_MS = 10_000;

export function createCaller(running: Running): Caller {
  const client = createHboneClient();
  const connections = new Map<string, Promise<MeshConnection>>();
  const destination = (url: string): Destination => destinationOf(running.world().model, new URL(url), undefined);

  function connection(as: string, { waypoint, authority }: Destination): Promise<MeshConnection> {
    const key = `${as} ${authority}`;
    let opened = connections.get(key);
    if (opened === undefined) {
      opened = open(as, waypoint, authority);
      connections.set(key, opened);
    }
    return opened;
  }

  async function open(as: string, waypoint: Waypoint, authority: string): Promise<MeshConnection> {
    const { namespace, name } = waypoint;
    const served = running.waypoints().find((one) => one.namespace === namespace && one.name === name);
    if (served === undefined) throw new Error(`the waypoint ${namespace}/${name} does not run`);
    const identity = identityOf(as, served.trustDomain);
    const issued = await running.issue({ identity });
    return openMesh(client, {
      waypoint: served.address,
      authority,
      tls: { cert: issued.certificate, key: issued.key, ca: issued.roots },
      expectedIdentity: served.identity,
      headers: baggageOf(waypoint, identity),
    });
  }

  return {
    destination,
    async send({ as, method = 'GET', url, headers = [] }) {
      const { pathname, search, host } = new URL(url);
      const mesh = await connection(as, destination(url));
      return await mesh.send({ method, path: `${pathname}${search}`, host, headers, timeoutMs: PATIENCE_MS });
    },
    async close() {
      for (const opened of connections.values()) await opened.then((mesh) => mesh.close()).catch(() => undefined);
      await client.close(0);
    },
  };
}
