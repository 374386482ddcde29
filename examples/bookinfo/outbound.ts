import { baggage } from '#cli/baggage.ts';
import { openMesh, type MeshConnection } from '#cli/request.ts';
import type { HboneClient } from '#hbone/client.ts';
import type { HboneTls } from '#hbone/tls.ts';
import type { Outbound } from './app.ts';
import type { PodSpec } from './pod.ts';

export interface OutboundOptions {
  readonly waypoint: { readonly host: string; readonly port: number; readonly identity: string };
  /** `reviews.bookinfo` to its virtual address. */
  readonly addresses: ReadonlyMap<string, string>;
  readonly tls: HboneTls;
}

export interface OutboundCalls {
  readonly call: Outbound;
  close(): void;
}

/** What ztunnel does for a pod's calls: finds the service, and tunnels to its waypoint as the pod. */
export function outboundOf(client: HboneClient, pod: PodSpec, options: OutboundOptions): OutboundCalls {
  const { addresses, tls } = options;
  const { identity: expectedIdentity, ...waypoint } = options.waypoint;
  const headers = baggage({ name: pod.name, namespace: pod.namespace, app: pod.app, version: pod.version });
  const connections = new Map<string, MeshConnection>();
  const connectionTo = (authority: string): MeshConnection => {
    let connection = connections.get(authority);
    if (connection === undefined) {
      connection = openMesh(client, { waypoint, authority, tls, expectedIdentity, headers });
      connections.set(authority, connection);
    }
    return connection;
  };
  return {
    async call(text, headers) {
      const url = new URL(text);
      const address = addresses.get(`${url.hostname}.${pod.namespace}`);
      if (address === undefined) return { status: 503, body: `no service ${url.hostname}` };
      try {
        const { status, body } = await connectionTo(`${address}:${url.port || '80'}`).send({
          method: 'GET',
          path: url.pathname,
          host: url.host,
          headers: Object.entries(headers),
          timeoutMs: 5_000,
        });
        return { status, body: body.toString('utf8') };
      } catch (error) {
        return { status: 503, body: (error as Error).message };
      }
    },
    close() {
      for (const connection of connections.values()) connection.close();
    },
  };
}
