import { rmdirSync, rmSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GuidedError } from './guidance.ts';

/** A process, told apart from later ones with the same id. */
export interface ProcessRef {
  readonly pid: number;
  readonly started: string | undefined;
}

/** What one supervisor leaves for the next: which Envoy runs, and with what it was started. */
export interface EnvoyRecord {
  readonly envoy: ProcessRef;
  readonly supervisor: ProcessRef;
  /** Hash of everything that an Envoy is started with; another one needs another Envoy. */
  readonly fingerprint: string;
}

/** The files of one supervised Envoy, all in one folder that is only for its owner. */
export interface EnvoyFiles {
  readonly folder: string;
  readonly adminSocket: string;
  readonly bootstrap: string;
  readonly log: string;
  readonly record: string;
}

/** `sun_path` holds 108 bytes on Linux, 104 on macOS, the last one zero. */
const MAX_SOCKET_PATH = process.platform === 'darwin' ? 103 : 107;

/** Names the files; throws if the folder lies too deep for a Unix socket. Creates nothing. */
export function envoyFiles(folder: string): EnvoyFiles {
  const adminSocket = join(folder, 'admin.sock');
  if (Buffer.byteLength(adminSocket) > MAX_SOCKET_PATH) {
    throw new GuidedError('the path of the state folder is too long', {
      expected: `a path to a Unix socket of at most ${MAX_SOCKET_PATH} bytes`,
      came: `${Buffer.byteLength(adminSocket)} bytes: ${adminSocket}`,
      next: 'name a state folder with a shorter path',
    });
  }
  return {
    folder,
    adminSocket,
    bootstrap: join(folder, 'bootstrap.pb'),
    log: join(folder, 'envoy.log'),
    record: join(folder, 'envoy.json'),
  };
}

export async function prepare(files: EnvoyFiles): Promise<void> {
  await mkdir(files.folder, { recursive: true, mode: 0o700 });
  await chmod(files.folder, 0o700);
}

export async function writeRecord(files: EnvoyFiles, record: EnvoyRecord): Promise<void> {
  const draft = `${files.record}.${process.pid}`;
  await writeFile(draft, JSON.stringify(record), { mode: 0o600 });
  await rename(draft, files.record);
}

/** Undefined if there is none, or none that can be read. */
export async function readRecord(files: EnvoyFiles): Promise<EnvoyRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(files.record, 'utf8')) as Partial<EnvoyRecord>;
    const whole = typeof record.envoy?.pid === 'number' && typeof record.supervisor?.pid === 'number';
    return whole && typeof record.fingerprint === 'string' ? (record as EnvoyRecord) : undefined;
  } catch {
    return undefined;
  }
}

const written = (files: EnvoyFiles): string[] => [files.adminSocket, files.bootstrap, files.log, files.record];

/** Removes the files, and the folder if nothing else is in it. */
export async function removeFiles(files: EnvoyFiles): Promise<void> {
  for (const path of written(files)) await rm(path, { force: true });
  removeEmptyFolder(files.folder);
}

/** The same without waiting, for the last moments of our process. */
export function removeFilesSync(files: EnvoyFiles): void {
  for (const path of written(files)) rmSync(path, { force: true });
  removeEmptyFolder(files.folder);
}

function removeEmptyFolder(folder: string): void {
  try {
    // Not recursive: fails, as it must, when somebody keeps something in it.
    rmdirSync(folder);
  } catch {
    // Not empty, or gone already.
  }
}
