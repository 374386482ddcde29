import { chmod, lstat, mkdir, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';

/** Where the kernel ends the path of a Unix socket, its last zero included (108 on Linux, 104 on macOS). */
const MAX_PATH = 103;

/**
 * Makes the path ready for a server: the folder exists and only its owner may enter it, and no socket of a process
 * that died lies in the way. A live server's socket is left alone.
 * @throws when the path cannot be used; the message says what to do.
 */
export async function prepareSocket(path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH) {
    throw new Error(
      `expected a socket path of at most ${MAX_PATH} bytes, came ${Buffer.byteLength(path)} (${path}); choose a shorter folder`,
    );
  }
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { mode } = await stat(folder);
  if ((mode & 0o077) !== 0) {
    const came = (mode & 0o777).toString(8).padStart(4, '0');
    throw new Error(
      `expected a folder that only its owner may enter (0700) for ${path}, came ${came}; run chmod 700 ${folder}`,
    );
  }
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new Error(`expected nothing or a socket at ${path}, came a file; move it away or choose another path`);
  }
  if (await isServed(path)) {
    throw new Error(`expected ${path} to be free, came a process that serves it; stop it or choose another path`);
  }
  await rm(path, { force: true });
}

/** Whether a process accepts connections there. */
async function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => resolve(false));
  });
}

/** Only the owner may connect, even if the folder is opened later. */
export const protectSocket = async (path: string): Promise<void> => chmod(path, 0o600);
