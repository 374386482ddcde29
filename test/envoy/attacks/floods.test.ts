import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDoor } from './door.ts';
import { openTunnel } from './exchange.ts';
import * as http2 from './frames.ts';
import { startAttackWorld, type AttackWorld } from './world.ts';

const { block, CONTINUATION, DATA, END_HEADERS, END_STREAM, frame, HEADERS, Http2Peer, indexed, u32 } = http2;

const TARGETS = { web: { policies: [['DENY', '[{to: [{operation: {paths: ["/admin"]}}]}]']] } } as const;

describe('floods', () => {
  let world: AttackWorld<keyof typeof TARGETS>;
  beforeAll(async () => {
    world = await startAttackWorld(50, TARGETS);
  });
  afterAll(() => world?.stop());

  type Peer = InstanceType<typeof Http2Peer>;
  const outside = async (): Promise<Peer> =>
    new Http2Peer(await openDoor(world.mesh, await world.mesh.tls('default/mallory')));
  const inside = async (): Promise<Peer> => new Http2Peer(await openTunnel(world.mesh, { to: world.at.web }));

  const connect: http2.Fields = [
    [':method', 'CONNECT'],
    [':authority', '10.96.50.10:80'],
  ];

  /** Resident memory of our Envoy, in MiB. */
  function resident(): number {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(world.mesh.state)) continue;
        const size = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        if (size) return Number(size) / 1024;
      } catch {
        // It has ended meanwhile.
      }
    }
    throw new Error('expected an Envoy of this mesh');
  }

  /** Others are served while it lasts and afterwards, and it costs little memory. */
  async function survives(attack: () => Promise<void>): Promise<void> {
    await world.mesh.call({ to: world.at.web, as: 'default/eve' });
    const before = resident();
    const others = world.mesh.call({ to: world.at.web, as: 'default/eve' });
    await attack();
    expect((await others).status).toBe(200);
    expect((await world.mesh.call({ to: world.at.web, as: 'default/eve' })).status).toBe(200);
    expect((await world.mesh.call({ to: world.at.web, as: 'default/eve', path: '/admin' })).status).toBe(403);
    expect(resident() - before).toBeLessThan(40);
  }

  async function closes(peer: Peer, make: (index: number) => Uint8Array[], count: number): Promise<void> {
    for (let index = 0; index < count && !peer.closed; index += 100) {
      peer.send(...Array.from({ length: 100 }, (_, each) => make(index + each)).flat());
      await new Promise((resolve) => setImmediate(resolve));
    }
    const gone = (): boolean => peer.closed || peer.frames.some(({ type }) => type === http2.GOAWAY);
    expect(await peer.until(gone, 5_000)).toBe(true);
    peer.destroy();
  }

  const reset = (fields: http2.Fields) => (peer: Peer) => (): Uint8Array[] => {
    const stream = peer.next();
    return [frame(HEADERS, END_HEADERS, stream, block(fields)), frame(http2.RST_STREAM, 0, stream, u32(8))];
  };

  const settings = (): Uint8Array[] => [frame(http2.SETTINGS, 0, 0, Buffer.of(0, 4, 0, 0, 0xff, 0xff))];
  const ping = (): Uint8Array[] => [frame(http2.PING, 0, 0, Buffer.alloc(8))];

  it.each<[string, () => Promise<Peer>, http2.Fields]>([
    ['of tunnels', outside, connect],
    ['of requests in a tunnel', inside, http2.request('/x')],
    ['of denied requests in a tunnel', inside, http2.request('/admin')],
  ])('E6 resets %s, rapidly: the connection is closed', async (_name, open, fields) => {
    await survives(async () => {
      const peer = await open();
      await closes(peer, reset(fields)(peer), 20_000);
    });
  });

  it.each<[string, () => Promise<Peer>]>([
    ['outside', outside],
    ['in a tunnel', inside],
  ])('E5 a header block that does not end, %s: closed', async (_name, open) => {
    await survives(async () => {
      const peer = await open();
      const stream = peer.next();
      peer.send(frame(HEADERS, 0, stream, block([[':method', 'GET']])));
      await closes(peer, () => [frame(CONTINUATION, 0, stream, block([['x-long', 'y'.repeat(200)]]))], 3_000);
    });
  });

  it('E5 empty continuations: closed', async () => {
    await survives(async () => {
      const peer = await outside();
      const stream = peer.next();
      peer.send(frame(HEADERS, 0, stream, block([[':method', 'GET']])));
      await closes(peer, () => [frame(CONTINUATION, 0, stream)], 5_000);
    });
  });

  it.each([
    ['settings', settings],
    ['pings', ping],
  ])('E5 %s by the thousand, whose answers nobody reads: closed', async (_name, make) => {
    await survives(async () => {
      const socket = await openDoor(world.mesh, await world.mesh.tls('default/mallory'));
      const peer = new Http2Peer(socket);
      await peer.until(() => peer.frames.length > 0);
      socket.pause();
      for (let index = 0; index < 400 && socket.writable; index++) {
        peer.send(...Array.from({ length: 100 }, make).flat());
        await new Promise((resolve) => setImmediate(resolve));
      }
      socket.resume();
      expect(await peer.until(() => peer.closed || peer.frames.some(({ type }) => type === http2.GOAWAY), 5_000)).toBe(
        true,
      );
      peer.destroy();
    });
  });

  it('E5 empty data by the thousand: closed', async () => {
    await survives(async () => {
      const peer = await inside();
      const stream = peer.request(http2.request('/x', [], 'POST'), END_HEADERS);
      await closes(peer, () => [frame(DATA, 0, stream)], 5_000);
    });
  });

  it.each([
    ['E4 a cookie', 'cookie', 'c'.repeat(3_800)],
    ['E3 a host', 'host', 'h'.repeat(3_000)],
    ['E4 any header', 'x-bomb', 'b'.repeat(3_800)],
  ])('%s that is referred to a thousand times: refused, and not unfolded', async (_name, name, value) => {
    await survives(async () => {
      const peer = await inside();
      const stream = peer.next();
      // One entry in the table, then a thousand references of a byte each.
      const fields = Buffer.concat([
        block(http2.request('/bomb')),
        indexed(name, value),
        Buffer.alloc(1_000, 0x80 | 62),
      ]);
      peer.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, fields));
      expect([431, 400, 'reset', 'goaway', 'closed']).toContain(await peer.answer(stream, 4_000));
      peer.destroy();
      expect(world.backend.requests.filter(({ path }) => path === '/bomb')).toEqual([]);
    });
  });
});
