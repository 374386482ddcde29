import type { Command, Flags } from '../command.ts';
import { json } from './flags.ts';

const flags = { json } as const satisfies Flags;

export const version: Command<typeof flags> = {
  name: 'version',
  group: 'Other',
  about: 'Prints the version of portolan.',
  usage: ['version [--json]'],
  examples: [['portolan version --json', 'with the versions of Node and of the interfaces']],
  flags,
  exits: [[0, 'ok']],
  see: ['envoy'],
  load: () => import('../version.ts'),
};
