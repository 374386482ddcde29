import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figure } from './figure.ts';
import { nodeLoad, wrkLoad } from './load.ts';
import { twoProcessors } from './processor.ts';
import { singleEnvoy } from './single-envoy.ts';
import { verdicts, type Verdict } from './verdict.ts';
import { waypointChain } from './waypoint.ts';

export interface DataPlaneOptions {
  /** Path of Envoy. */
  readonly envoy: string;
  /** Folder that holds `<filter>.release.wasm`, the empty one among them. */
  readonly filters: string;
  /** The load generator for where there is no wrk: `node-load.ts`, built. */
  readonly nodeLoad: string;
  /** Instead of as many rounds as fit the time. */
  readonly rounds?: number;
  /** Modules from elsewhere that are measured beside ours, by name: what another SDK costs. */
  readonly modules: ReadonlyMap<string, string>;
  /** Instead of all: variants whose name has this in it, with what they are compared to. */
  readonly only?: string;
  readonly quick: boolean;
  readonly seed: number;
  readonly progress: (text: string) => void;
}

export interface DataPlaneResult {
  readonly load: string;
  readonly seed: number;
  readonly policies: readonly number[];
  /** One Envoy with an answer of its own: what a filter costs. */
  readonly single: readonly Figure[];
  /** The middle one of three Envoys: what a waypoint costs. */
  readonly waypoint: readonly Figure[];
  readonly verdicts: readonly Verdict[];
}

/** Rounds and slices that, with starting, end within four minutes, or within 45 seconds. */
const FULL = { sliceMs: 400, single: 6, waypoint: 9, adversarial: 10_000 };
const QUICK = { sliceMs: 150, single: 2, waypoint: 2, adversarial: 1_000 };
const SIZES = [1, 100, 1_000, 10_000];

/** Measures what filters cost in Envoy. Throws, with what to install, where it cannot. Leaves no process behind. */
export async function dataPlane(options: DataPlaneOptions): Promise<DataPlaneResult> {
  const { quick, seed, envoy, filters, progress } = options;
  const effort = quick ? QUICK : FULL;
  const processors = twoProcessors();
  const folder = mkdtempSync(join(tmpdir(), 'portolan-bench-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const hasWrk = spawnSync('wrk', ['-v']).error === undefined;
  if (!hasWrk) {
    progress('there is no wrk, so the load comes from Node, which is slower and leaves Envoy more idle:');
    progress('compare no number with runs by wrk (apt-get install -y wrk)');
  }
  const load = hasWrk ? wrkLoad(folder, processors.rest) : nodeLoad(options.nodeLoad, processors.rest);
  const { only } = options;
  const common = { envoy, filters, load, seed, sliceMs: effort.sliceMs, ...(only === undefined ? {} : { only }) };
  const say = (part: string) => (text: string) => progress(`${part}: ${text}`);
  try {
    const single = await singleEnvoy({
      ...common,
      folder: join(folder, 'single'),
      processor: processors.measured,
      rounds: options.rounds ?? effort.single,
      sizes: SIZES,
      modules: options.modules,
      adversarial: effort.adversarial,
      progress: say('single Envoy'),
    });
    const waypoint = await waypointChain({
      ...common,
      folder: join(folder, 'chain'),
      processors,
      rounds: options.rounds ?? effort.waypoint,
      policies: 1_000,
      progress: say('HBONE waypoint'),
    });
    if (single.length + waypoint.length === 0) {
      throw new Error(`--only: expected a part of a variant's name, as the tables show them; came "${only}"`);
    }
    return { load: load.tool, seed, policies: SIZES, single, waypoint, verdicts: verdicts({ single, waypoint }) };
  } finally {
    process.off('exit', remove);
    remove();
  }
}
