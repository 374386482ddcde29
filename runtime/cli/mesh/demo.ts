import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stateFolder } from '#admin/state-folder.ts';
import { DEFAULTS } from '#envoy/options.ts';
import { readFiles } from '#resources/files.ts';
import { ResourceStore } from '#resources/store.ts';
import type { BindAddress } from '#proxy/prometheus.ts';
import { runDemo } from '../../../examples/bookinfo/demo.ts';
import { startBookinfo } from '../../../examples/bookinfo/harness.ts';
import { meshFolder } from '../../../examples/bookinfo/mesh-folder.ts';
import { EXIT, type Exit } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import { meshOptions, startOrFail, type RunValues } from './start.ts';
import { untilSignal } from './signals.ts';

/**
 * Bookinfo in this process, each pod behind its own HBONE endpoint, and a waypoint in front of it: shows by requests
 * what it does. With --once it ends then, and says by its status whether all was as documented.
 */
export async function demo(values: RunValues, terminal: Terminal): Promise<Exit> {
  const temporary = values.state === undefined ? await ownFolder(stateFolder(terminal.environment)) : undefined;
  const state = values.state ?? temporary;
  const folder = meshFolder();
  try {
    const given = await meshOptions({ ...values, file: [folder], state }, terminal);
    const options = {
      ...given,
      bind: values.bind === undefined ? await freeNear(DEFAULTS.bind) : given.bind,
      page: values.page === undefined ? await freeNear(given.page) : given.page,
    };
    const mesh = await startOrFail(options);
    try {
      const [waypoint] = mesh.running.waypoints();
      if (!waypoint) throw new Error(`${folder} describes no waypoint`);
      const resources = new ResourceStore().update(readFiles([folder]).files);
      const bookinfo = await startBookinfo(resources, {
        waypoint: { ...waypoint.address, identity: waypoint.identity },
        trustDomain: options.trustDomain,
        issue: (identity) => mesh.running.issue({ identity }),
      });
      try {
        await mesh.ready();
        const asDocumented = await runDemo(
          {
            running: mesh.running,
            metrics: async () => (await fetch(`${waypoint.page ?? ''}/stats/prometheus`)).text(),
            command: state === stateFolder(terminal.environment) ? 'npx portolan' : `npx portolan --state ${state}`,
          },
          terminal,
        );
        if (values.once) return asDocumented ? EXIT.ok : EXIT.found;
        return await untilSignal(mesh, () => bookinfo.close());
      } finally {
        await bookinfo.close();
      }
    } finally {
      await mesh.stop({ drainMs: 0 });
    }
  } finally {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  }
}

/** The usual state folder, so that other commands find the demonstration, unless somebody else uses it. */
async function ownFolder(usual: string): Promise<string> {
  await mkdir(dirname(usual), { recursive: true, mode: 0o700 });
  try {
    await mkdir(usual, { mode: 0o700 });
    return usual;
  } catch {
    return mkdtemp(join(tmpdir(), 'portolan-demo-'));
  }
}

/** The address, or the next port of its host that is free: a demonstration should not fail because another one runs. */
async function freeNear({ address, port }: BindAddress): Promise<BindAddress> {
  for (let candidate = port; candidate < port + 100; candidate++) {
    if (await isFree(address, candidate)) return { address, port: candidate };
  }
  return { address, port };
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
      .once('error', () => resolve(false))
      .listen({ host, port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
