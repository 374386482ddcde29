import type { Command, Flags } from '../command.ts';
import { json, output, pathNormalization } from './flags.ts';

const flags = {
  budget: {
    type: 'string',
    value: 'STEPS',
    about: 'how long to look for differences of one service port (default 200000 steps)',
  },
  'trust-domain': { type: 'string', value: 'DOMAIN', default: 'cluster.local', about: 'trust domain of the mesh' },
  'path-normalization': pathNormalization('how paths are normalized before policies see them (default STRICT)'),
  output: output(['text', 'json']),
  json,
} as const satisfies Flags;

export const diff: Command<typeof flags> = {
  name: 'diff',
  group: 'Waypoint',
  about: 'Says which requests two sets of resources decide differently: newly allowed, newly denied, and by what.',
  usage: ['diff A B [flags]'],
  examples: [
    ['portolan diff mesh/ mesh-next/', 'what a change of policies would do'],
    ['git archive HEAD mesh | tar -x -C /tmp && portolan diff /tmp/mesh mesh', 'since the last commit'],
    [
      'kubectl get gateway,service,pod,namespace,authorizationpolicy -A -o yaml | portolan diff - mesh/ --json',
      'what is in force against what is to be',
    ],
  ],
  notes: [
    'The requests are found by analysis, not by trying: the values of all policies cut each attribute of a request into finitely many parts that are alike to every policy, and the parts are searched for one that is decided differently. Each example is then decided by both sets, and differs from a plain request in no more than it needs.',
    'One example is shown for each pair of rules that decide. No example and exit 0 mean that no request is decided differently. Where the budget did not suffice, that is said.',
  ],
  flags,
  exits: [
    [0, 'every request is decided alike'],
    [1, 'some are not'],
    [2, 'no difference was found, and the budget did not suffice to say that there is none'],
    [65, 'A or B cannot be read'],
  ],
  see: ['check', 'explain', 'translate'],
  load: () => import('../diff.ts'),
};
