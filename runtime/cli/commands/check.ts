import type { Command, Flags } from '../command.ts';
import { files, json, namespace, output, pathNormalization } from './flags.ts';

const flags = {
  file: files,
  namespace,
  'fail-on': {
    type: 'string',
    value: 'LEVEL',
    choices: ['error', 'warning', 'info', 'never'],
    default: 'error',
    about: 'lowest level that makes the exit code 1',
  },
  'trust-domain': { type: 'string', value: 'DOMAIN', default: 'cluster.local', about: 'trust domain of the mesh' },
  'path-normalization': pathNormalization('how paths are normalized before policies see them (default STRICT)'),
  output: output(['text', 'short', 'github', 'json']),
  json,
} as const satisfies Flags;

export const check: Command<typeof flags> = {
  name: 'check',
  group: 'Waypoint',
  about: 'Reads resources and says what is wrong with them, where, and what traffic would do.',
  usage: ['check -f PATH… [flags]', 'check PATH…'],
  examples: [
    ['portolan check -f mesh/', 'everything in a folder'],
    ['kubectl get httproute,svc -A -o yaml | portolan check -f -', 'what a cluster holds'],
    ['portolan check -f mesh/ -o github --fail-on warning', 'in CI: findings at their lines, and warnings fail'],
  ],
  flags,
  exits: [
    [0, 'nothing at the level of --fail-on or above'],
    [1, 'findings at that level or above'],
    [65, 'a path cannot be read'],
  ],
  see: ['translate', 'explain', 'status'],
  load: () => import('../check.ts'),
};
