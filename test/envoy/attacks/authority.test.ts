import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HboneTls } from '#hbone/tls.ts';
import { gateway, service } from '../mesh/manifests.ts';
import { knock } from './door.ts';
import { exchange, get, openTunnel } from './exchange.ts';
import { Http2Peer } from './frames.ts';
import { startAttackWorld, type AttackWorld } from './world.ts';

const ONLY_ALICE = '[{from: [{source: {principals: [cluster.local/ns/default/sa/alice]}}]}]';
const TARGETS = { web: { policies: [['ALLOW', ONLY_ALICE]] }, open: {} } as const;

/** A service of another waypoint; ours knows nothing of it. */
const OTHER = [
  gateway().replace('name: waypoint', 'name: other').replace('namespace: shop', 'namespace: shop'),
  service({ name: 'elsewhere', ip: '10.96.47.99', labels: { 'istio.io/use-waypoint': 'other' } }),
];

const VIP = '10.96.47.10';

describe('the authority of a tunnel', () => {
  let world: AttackWorld<keyof typeof TARGETS>;
  let bob: HboneTls;
  beforeAll(async () => {
    world = await startAttackWorld(47, TARGETS, { waypoint: { namespace: 'shop', name: 'waypoint' } }, OTHER);
    bob = await world.mesh.tls('default/bob');
  });
  afterAll(() => world?.stop());

  it('Z2 serves the two that exist, so that the refusals below mean something', async () => {
    expect(await knock(world.mesh, bob, `${VIP}:80`)).toBe(200);
    expect((await exchange(world.mesh, { to: `${VIP}:80`, as: 'default/bob', bytes: get('/') })).first).toBe(403);
    expect((await exchange(world.mesh, { to: '10.96.47.11:80', as: 'default/bob', bytes: get('/') })).first).toBe(200);
  });

  const spellings = [
    `${VIP}:080`,
    `${VIP}:+80`,
    `${VIP}:80.`,
    `${VIP}.:80`,
    `${VIP}:`,
    VIP,
    `${VIP}:0`,
    `${VIP}:65536`,
    `${VIP}:80:80`,
    `a@${VIP}:80`,
    `${VIP}:80/x`,
    `${VIP}:80?x`,
    `${VIP}:80#x`,
    `${VIP}:80,${VIP}:80`,
    ` ${VIP}:80`,
    `http://${VIP}:80`,
    `[::ffff:${VIP}]:80`,
    '[::ffff:a60:2f0a]:80',
    `[${VIP}]:80`,
    '010.96.47.10:80',
    '10.96.047.10:80',
    '10.96.12042:80',
    '0x0a602f0a:80',
    '174075658:80',
    '10.96.47.10%00:80',
    'web.shop.svc.cluster.local:80',
    'web.shop:80',
    '*:80',
    '',
  ];
  const places = [
    '10.96.47.98:80',
    '10.96.47.10:81',
    '10.96.47.99:80',
    '127.0.47.1:8080',
    '127.0.47.1:15008',
    '127.0.0.1:15000',
    '127.0.0.1:15020',
    '127.0.0.1:22',
    'localhost:80',
    '[::1]:80',
    '0.0.0.0:80',
    '169.254.169.254:80',
    '169.254.1.1:80',
    '[fe80::1]:80',
    '[fe80::1%eth0]:80',
    '[fe80::1%25eth0]:80',
    '224.0.0.1:80',
    '255.255.255.255:80',
    'connect_originate:80',
    'connect_originate',
    'connect_terminate',
    'portolan-xds',
    'portolan-admin',
    'portolan-xds:1',
    'portolan-admin:1',
    'workloads:80',
  ];

  const nowhere = [...spellings, ...places, `${'x'.repeat(300)}:80`, `${'1'.repeat(300)}.0.0.1:80`];
  /** Asked all at once: Envoy leaves a connection that it gave up a second. */
  const answers = new Map<string, Promise<number | string>>();
  beforeAll(async () => {
    for (const authority of nowhere) answers.set(authority, knock(world.mesh, bob, authority));
    await Promise.all(answers.values());
  });

  it.each(nowhere)('Z2 E15 E17 E19 %j leads nowhere', async (authority) => {
    const answer = await answers.get(authority);
    expect([400, 404, 'closed', 'ERR_HTTP2_STREAM_ERROR', 'ERR_HTTP2_SESSION_ERROR']).toContain(answer);
  });

  it('Z2 and nobody heard of it', () => {
    expect(new Set(world.backend.requests.map(({ path }) => path))).toEqual(new Set(['/']));
    expect(world.backend.connections()).toBeLessThanOrEqual(1);
  });

  it("Z2 the waypoint's own ports lead nowhere", async () => {
    const page = Number(new URL(world.mesh.mesh.running.waypoints()[0]?.page ?? 'http://x:1').port);
    for (const port of [world.mesh.waypoint.port, page]) {
      expect(await knock(world.mesh, bob, `127.0.0.1:${port}`)).toBe(404);
    }
  });

  it('Z3 a tunnel in a tunnel goes nowhere: neither as bytes of HTTP/1.1, nor of HTTP/2, nor as TLS', async () => {
    const before = world.backend.connections();
    const self = `127.0.0.1:${world.mesh.waypoint.port}`;
    for (const to of [self, '10.96.47.11:80', '127.0.47.1:8080']) {
      const inner = `CONNECT ${to} HTTP/1.1\r\nhost: ${to}\r\n\r\n`;
      expect([400, 404]).toContain((await exchange(world.mesh, { to: '10.96.47.11:80', bytes: inner })).first);
      const http2 = new Http2Peer(await openTunnel(world.mesh, { to: '10.96.47.11:80' }));
      const stream = http2.request(
        [
          [':method', 'CONNECT'],
          [':authority', to],
        ],
        4,
      );
      expect([400, 404, 'reset', 'goaway', 'closed']).toContain(await http2.answer(stream));
      http2.destroy();
    }
    const hello = Buffer.from('16030100c8010000c40303', 'hex');
    const tls = await exchange(world.mesh, { to: '10.96.47.11:80', bytes: [hello], until: 'close' });
    expect([400, 'closed']).toContain(tls.first);
    expect(world.backend.connections()).toBe(before);
  });

  it('E17 X6 sockets are for their owner alone', () => {
    const state = world.mesh.state;
    expect(statSync(state).mode & 0o777).toBe(0o700);
    const all = readdirSync(state, { recursive: true, encoding: 'utf8' }).map((name) => join(state, name));
    const sockets = all.filter((path) => statSync(path).isSocket());
    expect(sockets.length).toBeGreaterThanOrEqual(3);
    expect(sockets.filter((path) => (statSync(path).mode & 0o077) !== 0)).toEqual([]);
  });

  it('E17 the page shows two things and no more of what Envoy can be asked', async () => {
    const page = world.mesh.mesh.running.waypoints()[0]?.page ?? '';
    for (const [method, path, status] of [
      ['GET', '/ready', 200],
      ['GET', '/stats/prometheus', 200],
      ['GET', '/stats', 404],
      ['GET', '/config_dump', 404],
      ['GET', '/clusters', 404],
      ['GET', '/stats/prometheus/../../config_dump', 404],
      ['GET', '//config_dump', 404],
      ['GET', '/%63onfig_dump', 404],
      ['GET', '/ready;/config_dump', 404],
      ['POST', '/quitquitquit', 404],
      ['POST', '/ready', 404],
      ['POST', '/logging?level=trace', 404],
    ] as const) {
      expect([path, (await fetch(`${page}${path}`, { method })).status]).toEqual([path, status]);
    }
  });
});
