import { cpus, loadavg, release, totalmem, type } from 'node:os';

/** Where numbers come from: without it they mean nothing. */
export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryGb: number;
  /** Load average of the minute before the run. */
  readonly load: number;
  readonly system: string;
  readonly node: string;
  readonly envoy: string;
}

export function thisMachine(envoy: string): Machine {
  const all = cpus();
  return {
    processor: all[0]?.model.trim() ?? 'unknown',
    processors: all.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    load: loadavg()[0] ?? 0,
    system: `${type()} ${release()}`,
    node: process.versions.node,
    envoy,
  };
}
