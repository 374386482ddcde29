import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where a running process keeps its sockets, its development CA and what it must find again after a restart:
 * `PORTOLAN_STATE`, else `$XDG_RUNTIME_DIR/portolan`, else `~/.cache/portolan/run`. Two processes need two folders.
 */
export function stateFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { PORTOLAN_STATE, XDG_RUNTIME_DIR } = environment;
  if (PORTOLAN_STATE) return PORTOLAN_STATE;
  return XDG_RUNTIME_DIR ? join(XDG_RUNTIME_DIR, 'portolan') : join(homedir(), '.cache/portolan/run');
}

export const adminSocket = (folder: string): string => join(folder, 'admin.sock');

/** A Unix socket's path must fit into `sockaddr_un` (macOS: 104 bytes with its end); longer ones are cut in silence. */
export const SOCKET_PATH_LIMIT = 103;

/** Where the development CA of a state folder is kept. */
export const authorityFolder = (folder: string): string => join(folder, 'ca');
