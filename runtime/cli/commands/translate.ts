import type { Command, Flags } from '../command.ts';
import { files, state } from './flags.ts';

const flags = {
  file: files,
  'trust-domain': { type: 'string', value: 'DOMAIN', default: 'cluster.local', about: 'trust domain of the mesh' },
  state,
  output: {
    type: 'string',
    short: 'o',
    value: 'yaml|json|model|programs',
    choices: ['yaml', 'json', 'model', 'programs'],
    default: 'yaml',
    about: 'form of the output',
    group: 'output',
  },
} as const satisfies Flags;

export const translate: Command<typeof flags> = {
  name: 'translate',
  group: 'Waypoint',
  about: 'Prints what resources become: Envoy configuration, the model, or the programs of the filters.',
  usage: ['translate -f PATH… [NS/NAME] [flags]'],
  examples: [
    ['portolan translate -f mesh/', 'Envoy configuration of every waypoint as YAML'],
    ['portolan translate -f mesh/ app/wp -o programs', 'the policy programs of one waypoint as text'],
    ['portolan translate -o model', 'the model of the running portolan'],
  ],
  notes: ['The output is the same for the same input, byte by byte: it can be kept and compared.'],
  flags,
  exits: [
    [0, 'printed; findings, if any, are on standard error'],
    [2, 'there is no such waypoint'],
    [65, 'a path cannot be read'],
    [69, 'no -f, and no portolan runs'],
  ],
  see: ['check', 'explain'],
  load: () => import('../translate.ts'),
};
