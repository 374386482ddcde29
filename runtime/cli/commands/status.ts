import type { Command, Flags } from '../command.ts';
import { files, json, namespace, output, state } from './flags.ts';

const flags = {
  file: files,
  namespace,
  'all-namespaces': { type: 'boolean', short: 'A', about: 'every namespace (the default), also where -n is given' },
  watch: { type: 'boolean', short: 'w', about: 'go on, and print what changes until interrupted' },
  'trust-domain': { type: 'string', value: 'DOMAIN', default: 'cluster.local', about: 'trust domain of the mesh' },
  state,
  output: output(['table', 'wide', 'json', 'yaml', 'name']),
  json,
} as const satisfies Flags;

export const status: Command<typeof flags> = {
  name: 'status',
  group: 'Look',
  about: 'Shows waypoints, what is attached to them, and whether Envoy has accepted it.',
  usage: ['status [NS/NAME] [flags]'],
  examples: [
    ['portolan status', 'the running portolan'],
    ['portolan status -o wide', 'with every service port'],
    ['portolan status -n shop -w', 'one namespace, and again with each change'],
    ['portolan status -f mesh/ -o yaml', 'the statuses that a cluster would be given, from files'],
  ],
  notes: ['Namespaces are all shown unless one is named: a state folder is for one mesh, not for one namespace.'],
  flags,
  exits: [
    [0, 'shown, whatever the state'],
    [69, 'no -f, and no portolan runs (any more)'],
  ],
  see: ['wait', 'check'],
  load: () => import('../status.ts'),
};
