import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProxyStatus, Running } from '#admin/api.ts';
import { serveAdmin, type AdminServer } from '#admin/server.ts';
import { adminSocket } from '#admin/state-folder.ts';
import type { Waypoint } from '#model/waypoint.ts';
import { capture } from './capture.ts';
import { main } from './main.ts';
import { liveReader } from './status/reading.ts';
import { changedRows } from './status/watch.ts';

const waypoint = (namespace: string): Waypoint => ({
  namespace,
  name: 'wp',
  trustDomain: 'cluster.local',
  trustDomainAliases: [],
  extensionProviders: [],
  ports: [],
  backends: [],
  workloads: [],
  workloadAuthz: { policies: [] },
  sources: [],
});

const proxy = (namespace: string, pending: number): ProxyStatus => ({
  node: `${namespace}-1`,
  waypoint: `${namespace}/wp`,
  types: { Listener: { synced: 1, pending, rejected: 0 } },
  rejections: [],
});

describe('status of a running portolan', () => {
  let folder: string;
  let server: AdminServer;
  let waypoints: readonly Waypoint[];
  let proxies: readonly ProxyStatus[];
  let revision: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portolan-status-'));
    waypoints = ['app', 'shop'].map(waypoint);
    proxies = [proxy('app', 0), proxy('shop', 2)];
    revision = 1;
    const startedAt = new Date().toISOString();
    const running: Running = {
      process: () => ({ version: '1', pid: 1, startedAt, paths: [], revision, pathNormalization: 'STRICT' }),
      world: () => ({ model: { waypoints, ingresses: [] }, findings: [], statuses: [] }),
      waypoints: () => [],
      proxies: () => proxies,
      programs: () => undefined,
      settled: () => Promise.reject(new Error('nobody waits')),
      denials: () => [],
      issue: () => Promise.reject(new Error('nobody asks')),
    };
    server = await serveAdmin(running, adminSocket(folder));
  });
  afterEach(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  function begin(...args: readonly string[]) {
    const screen = capture('', { PORTOLAN_STATE: folder });
    return { ...screen, exit: main(['status', ...args], screen.terminal) };
  }

  it('shows all namespaces, one, or all again', async () => {
    const shown = async (...args: readonly string[]): Promise<string> => {
      const { exit, out } = begin('-o', 'name', ...args);
      expect(await exit).toBe(0);
      return out();
    };
    const all = 'waypoint/app/wp\nwaypoint/shop/wp\n';
    expect(await shown()).toBe(all);
    expect(await shown('-A')).toBe(all);
    expect(await shown('-n', 'shop')).toBe('waypoint/shop/wp\n');
    expect(await shown('-n', 'shop', '--all-namespaces')).toBe(all);
  });

  it(
    'watches: what changes is printed below the head, and the end of the process is the end',
    { timeout: 10_000 },
    async () => {
      const { exit, out, err } = begin('-w');
      const until = async (text: RegExp): Promise<void> => {
        while (!text.test(out())) await sleep(20);
      };
      await until(/^shop .*pending/m);
      const first = out();
      expect(first).toMatch(/^NAMESPACE .*\napp +wp .* in sync .*\nshop +wp .* pending .*\n$/);
      proxies = [proxy('app', 0), proxy('shop', 0)];
      await until(/^shop .*in sync/m);
      expect(out().slice(first.length)).toMatch(/^shop +wp +1\/1 .*in sync.*\n$/);
      waypoints = [waypoint('app')];
      revision++;
      await until(/^shop .*gone/m);
      expect(out().split('\n').length).toBe(6);
      await server.close();
      expect(await exit).toBe(69);
      expect(err()).toContain('no portolan runs with this state folder');
    },
  );

  it('asks for the world again only when there is another one', async () => {
    const read = await liveReader(folder, capture().terminal({ quiet: false, verbose: false, noColor: true }));
    const [first, second] = [await read(), await read()];
    expect(second.world).toBe(first.world);
    revision++;
    expect((await read()).world).not.toBe(first.world);
  });

  it('watches what runs, and not files', async () => {
    const { exit, err } = begin('-w', '-f', 'mesh/');
    expect(await exit).toBe(64);
    expect(err()).toContain('files by themselves do not change their status');
  });
});

it('rows differ by anything but their age', () => {
  const row = (name: string, config: string, age: string) => ['a', name, '1/1', '1 svc', '1', '1', config, 'x', age];
  const before = [row('same', 'in sync', '1s'), row('other', 'pending', '1s'), row('lost', 'in sync', '1s')];
  const after = [row('same', 'in sync', '9s'), row('other', 'in sync', '9s'), row('new', 'in sync', '9s')];
  expect(changedRows(before, after)).toEqual([
    after[1],
    after[2],
    ['a', 'lost', undefined, undefined, undefined, undefined, 'gone', undefined, undefined],
  ]);
});
