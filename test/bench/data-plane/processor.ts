import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Two processors: what is measured has one for itself, everything else shares the other. */
export interface Processors {
  readonly measured: number;
  readonly rest: number;
}

/** The first two processors that this process may use. Throws where there are no two, or no way to pin to them. */
export function twoProcessors(): Processors {
  if (!existsSync('/proc/self/schedstat')) {
    throw new Error(
      'the data-plane benchmark cannot measure here\n' +
        '  expected  Linux with /proc/PID/task/*/schedstat (CONFIG_SCHED_INFO)\n  came      none\n' +
        '  next      run it on Linux; `npm run bench control` runs anywhere',
    );
  }
  if (spawnSync('taskset', ['--version']).error !== undefined) {
    throw new Error(
      'the data-plane benchmark pins processes to processors\n  expected  taskset on PATH\n  came      none\n' +
        '  next      apt-get install -y util-linux',
    );
  }
  const [measured, rest] = allowedProcessors(readFileSync('/proc/self/status', 'utf8'));
  if (measured === undefined || rest === undefined) {
    throw new Error(
      'the data-plane benchmark needs two processors, one for Envoy and one for its clients\n' +
        '  expected  at least 2\n  came      1\n  next      `npm run bench control` runs with one',
    );
  }
  return { measured, rest };
}

/** `Cpus_allowed_list: 0-1,4` of /proc/PID/status as numbers. */
export function allowedProcessors(status: string): readonly number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** The command that runs another one on one processor. It replaces itself, so the process id stays. */
export const pinned = (processor: number, command: string, args: readonly string[]): [string, string[]] => [
  'taskset',
  ['--cpu-list', String(processor), command, ...args],
];

/**
 * CPU time of an Envoy's worker threads in nanoseconds since they began. Its main thread, which keeps statistics and
 * configuration, is left out: what it does depends on time and not on requests.
 */
export function workerCpu(pid: number): number {
  let nanoseconds = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${task}`;
    if (!readFileSync(`${folder}/comm`, 'utf8').startsWith('wrk:worker_')) continue;
    // schedstat: time on the processor, time waiting for it (both ns), how often it got it.
    nanoseconds += Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]);
  }
  return nanoseconds;
}
