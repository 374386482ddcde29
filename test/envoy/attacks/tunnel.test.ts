import { constants, connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { pod, service } from '../mesh/manifests.ts';
import { openDoor } from './door.ts';
import { exchange, get } from './exchange.ts';
import { Http2Peer, RST_STREAM } from './frames.ts';
import { startAttackWorld, type AttackWorld } from './world.ts';

const TARGETS = {
  web: {},
  denyTcp: {
    portName: 'tcp',
    policies: [['DENY', '[{from: [{source: {principals: ["*/sa/bob"]}}], to: [{operation: {paths: ["/x"]}}]}]']],
  },
  allowTcp: { portName: 'tcp', policies: [['ALLOW', '[{to: [{operation: {paths: ["/*"]}}]}]']] },
  guess: { portName: 'stuff', policies: [['ALLOW', '[{to: [{operation: {paths: ["/*"]}}]}]']] },
} as const;

/** What an application that only sends makes: more than all windows hold. */
const MEBIBYTE = 1 << 20;

describe('tunnels', () => {
  let world: AttackWorld<keyof typeof TARGETS>;
  beforeAll(async () => {
    world = await startAttackWorld(49, TARGETS, {}, [
      service({ name: 'big', ip: '10.96.49.90', portName: 'tcp' }),
      pod({ name: 'big-1', app: 'big', ip: '127.0.49.9' }),
    ]);
  });
  afterAll(() => world?.stop());

  async function session(as: string): Promise<ClientHttp2Session> {
    const socket = await openDoor(world.mesh, await world.mesh.tls(as));
    const opened = connectHttp2('https://waypoint', {
      createConnection: () => socket,
      settings: { initialWindowSize: MEBIBYTE },
    });
    opened.on('error', () => undefined);
    await once(opened, 'remoteSettings');
    opened.setLocalWindowSize(16 * MEBIBYTE);
    return opened;
  }

  const tunnel = (opened: ClientHttp2Session, authority: string): ClientHttp2Stream =>
    opened.request({ ':method': 'CONNECT', ':authority': authority }).on('error', () => undefined);

  async function statusOf(stream: ClientHttp2Stream): Promise<number | string> {
    return await new Promise((resolve) => {
      stream.once('response', (headers) => resolve(Number(headers[':status'])));
      stream.once('close', () => resolve(`reset ${stream.rstCode}`));
    });
  }

  it('Z10 a connection holds 100 tunnels, the next is refused, and others are served at once', async () => {
    const hoarder = await session('default/mallory');
    expect(hoarder.remoteSettings.maxConcurrentStreams).toBe(100);
    const held = Array.from({ length: 100 }, () => tunnel(hoarder, world.at.web));
    expect(new Set(await Promise.all(held.map(statusOf)))).toEqual(new Set([200]));
    const began = performance.now();
    expect((await world.mesh.call({ to: world.at.web, as: 'default/eve' })).status).toBe(200);
    expect(performance.now() - began).toBeLessThan(1_000);
    hoarder.destroy();
  });

  it('Z10 a caller who does not keep to that is refused stream by stream', async () => {
    const socket = await openDoor(world.mesh, await world.mesh.tls('default/mallory'));
    const peer = new Http2Peer(socket);
    const connect = [
      [':method', 'CONNECT'],
      [':authority', world.at.web],
    ] as const;
    const streams = Array.from({ length: 130 }, () => peer.request(connect, 4));
    const answers = await Promise.all(streams.map((stream) => peer.answer(stream)));
    expect(answers.filter((answer) => answer === 200).length).toBeLessThanOrEqual(100);
    expect(answers.filter((answer) => answer === 'reset').length).toBeGreaterThanOrEqual(30);
    const codes = peer.frames.filter(({ type }) => type === RST_STREAM).map(({ payload }) => payload.readUInt32BE(0));
    expect(new Set(codes)).toEqual(new Set([constants.NGHTTP2_REFUSED_STREAM]));
    peer.destroy();
  });

  it('Z11 fifteen tunnels whose readers sleep leave the sixteenth awake', async () => {
    const opened = await session('default/mallory');
    const big = '10.96.49.90:80';
    const asleep = Array.from({ length: 15 }, () => tunnel(opened, big));
    for (const stream of asleep) {
      stream.write('GET /bytes/9000000 HTTP/1.1\r\nhost: x\r\n\r\n');
      stream.pause();
    }
    await Promise.all(asleep.map(statusOf));
    // Until what they may hold is full.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const awake = tunnel(opened, big);
    let bytes = 0;
    awake.on('data', (chunk: Buffer) => (bytes += chunk.length));
    awake.write('GET /bytes/3000000 HTTP/1.1\r\nhost: x\r\n\r\n');
    await vi.waitFor(() => expect(bytes).toBeGreaterThan(3_000_000), 10_000);
    opened.destroy();
  });

  it('A22 another protocol on a port that is HTTP is closed, and not passed on', async () => {
    const before = world.backend.connections();
    const others = [
      Buffer.from('SSH-2.0-x\r\n'),
      Buffer.from('16030100c8010000c40303', 'hex'),
      Buffer.from('0000000804d2162f', 'hex'),
      Buffer.alloc(64),
    ];
    const outcomes = await Promise.all(
      others.map((bytes) => exchange(world.mesh, { to: world.at.web, bytes: [bytes], until: 'close', waitMs: 3_000 })),
    );
    for (const { first, closed } of outcomes) {
      expect([400, 'closed']).toContain(first);
      expect(closed).toBe(true);
    }
    expect(world.backend.connections()).toBe(before);
  });

  it('A22 on a port that is TCP a path makes a DENY wider and an ALLOW hold for nobody', async () => {
    const before = world.backend.connections();
    const closed = { to: world.at.denyTcp, as: 'default/bob', bytes: get('/other') };
    expect((await refusal(closed)).first).toBe('closed');
    expect((await refusal({ to: world.at.allowTcp, bytes: get('/x') })).first).toBe('closed');
    expect(world.backend.connections()).toBe(before);
    expect((await exchange(world.mesh, { to: world.at.denyTcp, bytes: get('/other') })).first).toBe(200);
  });

  it('A22 on a port that is told by its first bytes nobody gets around a policy by another protocol', async () => {
    expect((await exchange(world.mesh, { to: world.at.guess, bytes: get('/x') })).first).toBe(200);
    const before = world.backend.connections();
    for (const bytes of ['SSH-2.0-x\r\n', 'PRI * HTTP/1.0\r\n\r\n', 'FOO /x HTTP/1.1\r\n\r\n', '\0'.repeat(40)]) {
      expect(['closed', 400]).toContain((await refusal({ to: world.at.guess, bytes })).first);
    }
    // Late, so that it is taken for a protocol in which the server speaks first.
    expect(['closed', 400]).toContain((await refusal({ to: world.at.guess, bytes: [400, get('/x')] })).first);
    expect(world.backend.connections()).toBe(before);
  });

  /** A refused CONNECT, or a tunnel that is closed without a byte. */
  async function refusal(request: { to: string; as?: string; bytes: string | readonly (string | number)[] }) {
    try {
      return await exchange(world.mesh, { ...request, until: 'close', waitMs: 3_000 });
    } catch {
      return { first: 'closed' as const };
    }
  }
});
