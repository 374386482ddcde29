import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { keepAlive } from './keepalive.ts';

const INTERVAL = 20;
const TIMEOUT = 60;

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server on the loopback address; gives the port and the first session it gets. */
async function serve(): Promise<{ readonly port: number; readonly session: Promise<http2.ServerHttp2Session> }> {
  const server = http2.createServer();
  const session = new Promise<http2.ServerHttp2Session>((resolve) => server.once('session', resolve));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, session };
}

it('ends a session whose peer answers no ping', async () => {
  const { port, session: accepted } = await serve();
  // Says hello as HTTP/2 does, with empty settings, and then nothing more.
  const mute = net.connect(port, '127.0.0.1', () => {
    mute.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0', 'latin1');
  });
  mute.on('error', () => {});
  closing.push(() => mute.destroy());
  const session = await accepted;
  keepAlive(session, INTERVAL, TIMEOUT);
  await new Promise((resolve) => session.once('close', resolve));
  expect(session.destroyed).toBe(true);
});

it('leaves a session whose peer answers', async () => {
  const { port, session: accepted } = await serve();
  const client = http2.connect(`http://127.0.0.1:${port}`);
  closing.push(() => client.destroy());
  const session = await accepted;
  let pings = 0;
  client.on('ping', () => pings++);
  keepAlive(session, INTERVAL, 5_000);
  await expect.poll(() => pings, { timeout: 5_000 }).toBeGreaterThan(3);
  expect(session.destroyed).toBe(false);
});
