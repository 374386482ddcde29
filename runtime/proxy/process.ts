import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

// A process id alone names nobody for long: ids are used again. Together with its start time it names one process.
//
// /proc/<pid>/stat:  1234 (any (text) here) S 1 … 22nd field: start time in clock ticks since boot

interface Stat {
  readonly state: string;
  readonly started: string;
}

function parseStat(text: string): Stat | undefined {
  // The name in parentheses may hold spaces and parentheses; what follows the last one may not.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, started] = [fields[0], fields[19]];
  return state === undefined || started === undefined ? undefined : { state, started };
}

async function read(pid: number): Promise<Stat | undefined> {
  if (process.platform === 'linux') {
    return parseStat(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));
  }
  const printed = await promisify(execFile)('ps', ['-o', 'stat=,lstart=', '-p', String(pid)]).catch(() => undefined);
  const [, state, started] = /^(\S)\S*\s+(.+)$/.exec(printed?.stdout.trim() ?? '') ?? [];
  return state === undefined || started === undefined ? undefined : { state, started };
}

/** When a process started, as a text that is only good for comparison; undefined if there is none of that id. */
export async function startTime(pid: number): Promise<string | undefined> {
  return (await read(pid))?.started;
}

/** Whether this very process runs still. One that ended and waits for its parent (a zombie) does not. */
export async function isAlive(pid: number, started: string | undefined): Promise<boolean> {
  const found = await read(pid);
  return found !== undefined && found.state !== 'Z' && (started === undefined || found.started === started);
}

/** The same without waiting, for the last moments of our own process; only the id is looked at where there is no /proc. */
export function isAliveSync(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.state !== 'Z';
  } catch {
    return false;
  }
}

/** Sends a signal; false if the process is gone. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
