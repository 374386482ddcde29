import { request as httpRequest } from 'node:http';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { policy } from '../mesh/manifests.ts';
import { exchange, get } from './exchange.ts';
import { block, END_HEADERS, frame, HEADERS, Http2Peer, RST_STREAM, u32 } from './frames.ts';
import { startAttackWorld, type AttackWorld } from './world.ts';

const PATH = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';

describe('the control socket', () => {
  let world: AttackWorld<'web'>;
  beforeAll(async () => {
    world = await startAttackWorld(53, { web: {} });
  });
  afterAll(() => world?.stop());

  const sockets = (name: string): string => {
    const all = readdirSync(world.mesh.state, { recursive: true, encoding: 'utf8' });
    const found = all.find((path) => path.endsWith(name));
    if (found === undefined) throw new Error(`no ${name} in ${world.mesh.state}`);
    return join(world.mesh.state, found);
  };

  /** A push reaches Envoy within a second or so, whatever else is going on. */
  let edits = 0;
  async function pushes(): Promise<void> {
    const path = `/edit-${edits++}`;
    await world.mesh.apply('edit.yaml', policy('edit', 'web', 'DENY', `[{to: [{operation: {paths: ["${path}"]}}]}]`));
    expect((await exchange(world.mesh, { to: world.at.web, bytes: get(path) })).first).toBe(403);
  }

  /** The gRPC status of one call with this message, or how it failed. */
  async function call(message: Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    const session: ClientHttp2Session = connectHttp2('http://xds', {
      createConnection: () => connect(sockets('xds.sock')),
    });
    session.on('error', () => undefined);
    try {
      return await new Promise((resolve) => {
        const stream = session.request({
          ':method': 'POST',
          ':path': PATH,
          'content-type': 'application/grpc',
          ...headers,
        });
        let status = '';
        stream.on('response', (its) => (status = String(its['grpc-status'] ?? `http ${its[':status']}`)));
        stream.on('trailers', (its) => resolve(String(its['grpc-status'])));
        stream.on('error', () => resolve('reset'));
        stream.on('close', () => resolve(status || 'closed'));
        stream.resume();
        stream.write(message);
        setTimeout(() => resolve(`open: ${status}`), 3_000).unref();
      });
    } finally {
      session.destroy();
    }
  }

  const grpc = (compressed: boolean, length: number, body: Uint8Array): Buffer =>
    Buffer.concat([Buffer.of(compressed ? 1 : 0), u32(length), body]);

  it('X3 a message that is compressed is refused before it is unfolded', async () => {
    const bomb = gzipSync(Buffer.alloc(64 << 20));
    const before = process.memoryUsage().rss;
    const status = await call(grpc(true, bomb.length, bomb), { 'grpc-encoding': 'gzip' });
    expect(status).toMatch(/^(12|13|3|8)$/);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 << 20);
    await pushes();
  });

  it('X2 a message that says it is larger than any may be is refused at once', async () => {
    expect(await call(grpc(false, 0xfffffff0, Buffer.alloc(16)))).toMatch(/^(8|3|13)$/);
    await pushes();
  });

  it('X2 bytes that are no message, and ids that are none, are refused', async () => {
    expect(await call(grpc(false, 4, Buffer.from('ffffffff', 'hex')))).not.toMatch(/^(0|open.*)$/);
    // DeltaDiscoveryRequest { node { id } }
    for (const id of ['', '../../etc', '__proto__', 'waypoint~__proto__/constructor~x', 'x'.repeat(10_000)]) {
      const text = Buffer.from(id);
      const field = (tag: number, value: Uint8Array): Buffer =>
        Buffer.concat([Buffer.of(tag), varint(value.length), value]);
      const message = field(0x0a, field(0x0a, text));
      expect(await call(grpc(false, message.length, message))).toMatch(/^(3|7|16)$/);
    }
    await pushes();
  });

  it('X3 streams that are reset by the thousand keep nobody from a push', async () => {
    const peer = new Http2Peer(connect(sockets('xds.sock')));
    const fields = block([
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', PATH],
      [':authority', 'xds'],
      ['content-type', 'application/grpc'],
    ]);
    for (let round = 0; round < 12 && !peer.closed; round++) {
      const frames = Array.from({ length: 100 }, () => {
        const stream = peer.next();
        return [frame(HEADERS, END_HEADERS, stream, fields), frame(RST_STREAM, 0, stream, u32(8))];
      });
      peer.send(...frames.flat());
      await new Promise((resolve) => setImmediate(resolve));
    }
    await pushes();
    peer.destroy();
  });

  it('X6 private keys are in no dump, log, metric, environment or command line, and in files of their owner alone', async () => {
    await pushes();
    const dump = await admin('/config_dump?include_eds');
    expect(dump).toContain('connect_terminate');
    const files = readdirSync(world.mesh.state, { recursive: true, encoding: 'utf8' }).map((name) =>
      join(world.mesh.state, name),
    );
    const keys = files.filter(
      (path) => statSync(path).isFile() && readFileSync(path, 'latin1').includes('PRIVATE KEY'),
    );
    expect(keys.length).toBeGreaterThan(0);
    for (const path of keys) expect([path, statSync(path).mode & 0o077]).toEqual([path, 0]);
    const told = [
      dump,
      await admin('/certs'),
      await world.mesh.metrics(),
      JSON.stringify(world.mesh.events),
      JSON.stringify(world.mesh.mesh.running.waypoints()),
      ...processes(),
      ...files
        .filter((path) => statSync(path).isFile() && !keys.includes(path))
        .map((path) => readFileSync(path, 'latin1')),
    ].join('\n');
    expect(told).not.toContain('PRIVATE KEY');
    for (const path of keys) {
      const [line = ''] = /^[A-Za-z0-9+/]{60,}$/m.exec(readFileSync(path, 'latin1')) ?? [];
      expect(line.length).toBeGreaterThan(59);
      expect(told).not.toContain(line);
    }
  });

  function admin(path: string): Promise<string> {
    const socketPath = sockets(join('shop-waypoint', 'admin.sock'));
    return new Promise((resolve, reject) => {
      httpRequest({ socketPath, path, headers: { host: 'x' } }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
        response.on('end', () => resolve(text));
      })
        .on('error', reject)
        .end();
    });
  }

  const varint = (value: number): Buffer =>
    value < 128 ? Buffer.of(value) : Buffer.of((value & 127) | 128, value >> 7);

  /** Command lines and environments of this mesh's Envoy. */
  function processes(): readonly string[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
          return line.includes(world.mesh.state) ? [line, readFileSync(`/proc/${pid}/environ`, 'latin1')] : [];
        } catch {
          return [];
        }
      });
  }
});
