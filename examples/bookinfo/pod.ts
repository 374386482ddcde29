import { createServer, type Server } from 'node:http';
import type { HboneClient } from '#hbone/client.ts';
import { listenHbone, type HboneServer } from '#hbone/server.ts';
import { spiffeId, type SpiffeId } from '#model/identity.ts';
import { app, type AppName } from './app.ts';
import type { BookinfoOptions } from './harness.ts';
import { outboundOf, type OutboundCalls } from './outbound.ts';

/** What the files say of a pod. */
export interface PodSpec {
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly app: AppName;
  readonly version: string;
  readonly address: string;
  readonly port: number;
}

export interface RunningPod {
  readonly spec: PodSpec;
  readonly identity: SpiffeId;
  close(): Promise<void>;
}

/** ztunnel's port for HBONE, which the waypoint dials. */
const HBONE_PORT = 15008;

/**
 * One pod: the application in plain HTTP on its address, and in front of it, in place of ztunnel, an HBONE endpoint with
 * the pod's own identity that lets nobody in but the waypoint.
 */
export async function startPod(spec: PodSpec, options: BookinfoOptions, client: HboneClient): Promise<RunningPod> {
  const identity = spiffeId(options.trustDomain, spec.namespace, spec.serviceAccount);
  const credentials = await options.issue(identity);
  const tls = { cert: credentials.certificate, key: credentials.key, ca: credentials.roots };
  const outbound = outboundOf(client, spec, { ...options, tls });
  const application = createServer(app(spec.app, spec.version, outbound.call));
  let tunnel: HboneServer | undefined;
  try {
    await listen(application, spec);
    tunnel = await listenHbone({
      listen: { host: spec.address, port: HBONE_PORT },
      tls,
      trustDomains: [options.trustDomain],
      target({ peer, authority }) {
        if (authority.address !== spec.address || authority.port !== spec.port) return { refuse: 404 };
        return peer === options.waypoint.identity ? { host: spec.address, port: spec.port } : { refuse: 403 };
      },
    });
  } catch (error) {
    await close(application, outbound);
    throw inUse(spec, error as NodeJS.ErrnoException);
  }
  return {
    spec,
    identity,
    async close() {
      await tunnel.close(0);
      await close(application, outbound);
    },
  };
}

function listen(server: Server, { address, port }: PodSpec): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function close(server: Server, outbound: OutboundCalls): Promise<void> {
  outbound.close();
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

function inUse({ name, address }: PodSpec, error: NodeJS.ErrnoException): Error {
  const next =
    error.code === 'EADDRINUSE'
      ? 'end the other Bookinfo on this machine'
      : error.code === 'EADDRNOTAVAIL'
        ? `add the address (macOS: sudo ifconfig lo0 alias ${address})`
        : 'see the message';
  return new Error(
    `pod ${name} cannot listen on ${address}\n  expected  an address of the loopback network that is free\n  came      ${error.message}\n  next      ${next}`,
    { cause: error },
  );
}
