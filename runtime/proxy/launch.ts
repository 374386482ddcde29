import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { open, rm, writeFile } from 'node:fs/promises';
import { toBinary } from '@bufbuild/protobuf';
import { BootstrapSchema, type Bootstrap } from '#gen/envoy/config/bootstrap/v3/bootstrap_pb.ts';
import type { EnvoyBinary } from './find.ts';
import { LOG_FORMAT, type LogLevel } from './log-line.ts';
import type { EnvoyFiles } from './state.ts';

/** Everything that decides how Envoy is started. */
export interface LaunchOptions {
  readonly binary: EnvoyBinary;
  readonly bootstrap: Bootstrap;
  /** Worker threads; Envoy's own choice (one a processor) when absent. */
  readonly concurrency?: number;
  readonly logLevel?: LogLevel;
}

/** Seconds over which open connections are asked to go, once draining began. */
const DRAIN_SECONDS = 45;

function args(files: EnvoyFiles, { concurrency, logLevel = 'info' }: LaunchOptions): string[] {
  const flags: readonly (readonly [string, string?])[] = [
    ['--config-path', files.bootstrap],
    // Envoy's own hot restart is not used: it would leave a region of shared memory behind for each start.
    ['--disable-hot-restart'],
    ['--drain-time-s', String(DRAIN_SECONDS)],
    // Access logs are seen within a second rather than ten.
    ['--file-flush-interval-msec', '1000'],
    ['--log-level', logLevel],
    ['--log-format', LOG_FORMAT],
  ];
  const workers = concurrency === undefined ? [] : ['--concurrency', String(concurrency)];
  return [...flags.flatMap(([name, value]) => (value === undefined ? [name] : [name, value])), ...workers];
}

/** Two launches with one fingerprint give the same Envoy, so one that runs already will do. */
export function fingerprint(files: EnvoyFiles, options: LaunchOptions): string {
  const { path, version } = options.binary;
  return createHash('sha256')
    .update(toBinary(BootstrapSchema, options.bootstrap))
    .update(JSON.stringify([path, version, args(files, options)]))
    .digest('hex');
}

/**
 * Starts Envoy in a session of its own with its output in a file and an empty environment: neither Ctrl-C in our
 * terminal nor our death reaches it, there is no pipe that could break, and filters find no secret of ours in it.
 */
export async function launch(files: EnvoyFiles, options: LaunchOptions): Promise<ChildProcess> {
  await writeFile(files.bootstrap, toBinary(BootstrapSchema, options.bootstrap), { mode: 0o600 });
  await rm(files.adminSocket, { force: true });
  const log = await open(files.log, 'a', 0o600);
  try {
    const child = spawn(options.binary.path, args(files, options), {
      cwd: files.folder,
      detached: true,
      env: {},
      stdio: ['ignore', log.fd, log.fd],
    });
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}

/** Asks Envoy itself whether it would start so (`--mode validate`). Throws with Envoy's own words. */
export async function validate(files: EnvoyFiles, options: LaunchOptions): Promise<void> {
  await writeFile(files.bootstrap, toBinary(BootstrapSchema, options.bootstrap), { mode: 0o600 });
  const child = spawn(options.binary.path, [...args(files, options), '--mode', 'validate'], {
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const status = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  await rm(files.bootstrap, { force: true });
  if (status !== 0) throw new Error(`Envoy refuses its bootstrap (status ${String(status)}):\n${output.trim()}`);
}
