import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { HboneTls } from '#hbone/tls.ts';
import type { TestMesh } from '../mesh/mesh.ts';

/** The waypoint's own door, without a client that would keep to its rules. */
export function openDoor(mesh: TestMesh, tls: Partial<HboneTls>, more: ConnectionOptions = {}): Promise<TLSSocket> {
  const { host, port } = mesh.waypoint;
  return new Promise((resolve, reject) => {
    const socket = connectTls(
      { host, port, ...tls, ALPNProtocols: ['h2'], checkServerIdentity: () => undefined, ...more },
      () => resolve(socket),
    );
    socket.once('error', reject);
  });
}

/** What a CONNECT comes to: its status, or the code of the error that ended its stream or connection. */
export async function knock(
  mesh: TestMesh,
  tls: Partial<HboneTls>,
  authority: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<number | string> {
  let session: ClientHttp2Session | undefined;
  try {
    const socket = await openDoor(mesh, tls);
    session = connectHttp2('https://waypoint', { createConnection: () => socket });
    const opened = session;
    return await new Promise((resolve) => {
      const fail = (error: NodeJS.ErrnoException): void => resolve(error.code ?? 'error');
      opened.once('error', fail);
      opened.once('close', () => resolve('closed'));
      const stream = opened.request({ ':method': 'CONNECT', ':authority': authority, ...headers });
      stream.on('response', (answer) => resolve(Number(answer[':status'])));
      stream.on('error', fail);
      stream.on('close', () => resolve('closed'));
    });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    session?.destroy();
  }
}
