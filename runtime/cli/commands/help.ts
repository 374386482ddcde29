import type { Command, Flags } from '../command.ts';

const flags = {} as const satisfies Flags;

export const help: Command<typeof flags> = {
  name: 'help',
  group: 'Other',
  about: 'Explains a command, or a code of a finding.',
  usage: ['help [COMMAND | codes | CODE]'],
  examples: [
    ['portolan help run', 'usage, examples and flags of a command'],
    ['portolan help codes', 'every code'],
    ['portolan help PTL1203', 'what one code means'],
  ],
  words: ['codes'],
  flags,
  exits: [[0, 'ok']],
  see: ['version'],
  load: () => import('../help.ts'),
};
