import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { isAlive, startTime } from './process.ts';

export interface LockOptions {
  /** Called each time the holder is found at work. */
  readonly onWait?: (pid: number) => void;
  readonly pollMs?: number;
}

/**
 * Runs a task while holding a lock file, so that of several processes one works and the others wait for it. A lock
 * whose process is gone is broken. The lock only saves work: the task itself must be safe without it.
 */
export async function withLock<T>(path: string, task: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  const { onWait = () => undefined, pollMs = 200 } = options;
  const mine = JSON.stringify({ pid: process.pid, started: await startTime(process.pid) });
  for (;;) {
    try {
      await writeFile(path, mine, { flag: 'wx', mode: 0o600 });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = await read(path);
    if (holder && (await isAlive(holder.pid, holder.started))) onWait(holder.pid);
    else if (holder || (await isStale(path))) await breakLock(path, holder);
    await wait(pollMs);
  }
  try {
    return await task();
  } finally {
    await rm(path, { force: true });
  }
}

interface Holder {
  readonly pid: number;
  readonly started: string | undefined;
}

/** Takes a dead holder's lock away; gives it back if in the meantime it became somebody else's. */
async function breakLock(path: string, dead: Holder | undefined): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  const found = await read(aside);
  if (found && (found.pid !== dead?.pid || found.started !== dead.started))
    await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

async function read(path: string): Promise<Holder | undefined> {
  try {
    const { pid, started } = JSON.parse(await readFile(path, 'utf8')) as { pid: unknown; started: unknown };
    if (typeof pid !== 'number') return undefined;
    return { pid, started: typeof started === 'string' ? started : undefined };
  } catch {
    return undefined;
  }
}

/** A lock without content is one that is just being written, unless it is old. */
const isStale = async (path: string): Promise<boolean> => {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > 5_000;
};
