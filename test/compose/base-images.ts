import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * The official images that envoy/Dockerfile builds on. Where an image registry answers they are pulled; where none
 * does, images of the same names are made FROM scratch: this machine's own binary and the libraries that it loads.
 */

export const ENVOY_IMAGE = 'envoyproxy/envoy:v1.40.0';
export const NODE_IMAGE = 'node:22-bookworm-slim';

const BUILD = { ...process.env, DOCKER_BUILDKIT: '0' };

/** Makes sure that both images are here. Throws with what docker said if they can be had in no way. */
export function provideBaseImages(envoy: string): void {
  provide(ENVOY_IMAGE, envoy, '/usr/local/bin/envoy', []);
  // The application image runs both programs, so the libraries of Envoy go into Node's image as well.
  provide(NODE_IMAGE, process.execPath, '/usr/local/bin/node', libraries(envoy));
}

function provide(image: string, binary: string, path: string, moreLibraries: readonly string[]): void {
  if (succeeds(['image', 'inspect', image])) return;
  if (succeeds(['pull', '--quiet', image])) return;
  const context = mkdtempSync(join(tmpdir(), 'portolan-image-'));
  try {
    const root = join(context, 'root');
    place(root, binary, path);
    for (const library of new Set([...libraries(binary), ...moreLibraries]))
      place(root, realpathSync(library), library);
    mkdirSync(join(root, 'tmp'));
    mkdirSync(join(root, 'etc'));
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/\n');
    writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY root /\nENV PATH=/usr/local/bin\n');
    execFileSync('docker', ['build', '--quiet', '--tag', image, context], {
      env: BUILD,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

const succeeds = (args: readonly string[]): boolean =>
  spawnSync('docker', args, { stdio: 'ignore', timeout: 60_000 }).status === 0;

/** Paths of the shared libraries that a binary loads, its loader among them. */
function libraries(binary: string): readonly string[] {
  const output = execFileSync('ldd', [realpathSync(binary)], { encoding: 'utf8' });
  return [...output.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path ?? '').filter((path) => path !== '');
}

function place(root: string, from: string, to: string): void {
  const target = join(root, to);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(from, target);
}
