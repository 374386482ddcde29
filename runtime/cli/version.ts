import { API_VERSION } from '#admin/api.ts';
import metadata from '../../package.json' with { type: 'json' };
import type { RunOf } from './command.ts';
import type { version } from './commands/version.ts';
import { EXIT } from './exit.ts';

export const VERSION: string = metadata.version;

export const run: RunOf<typeof version> = async ({ values, terminal }) => {
  const data = { apiVersion: API_VERSION, portolan: VERSION, node: process.versions.node };
  terminal.out(values.json ? `${JSON.stringify(data, undefined, 2)}\n` : `portolan ${VERSION}\n`);
  return EXIT.ok;
};
