import type { Command, Flags } from '../command.ts';
import { json, state } from './flags.ts';

const flags = {
  waypoint: { type: 'string', value: 'NS/NAME', about: 'wait for this waypoint alone (default: every one)' },
  timeout: { type: 'string', value: 'DURATION', default: '30s', about: 'how long to wait: 500ms, 30s, 2m' },
  state,
  json,
} as const satisfies Flags;

export const wait: Command<typeof flags> = {
  name: 'wait',
  group: 'Waypoint',
  about: 'Returns when every connected Envoy has accepted what is in the files of a running portolan.',
  usage: ['wait [--waypoint NS/NAME] [--timeout 30s] [--state FOLDER]'],
  examples: [
    ['portolan run -f mesh/ & portolan wait', 'go on when the waypoint serves'],
    ['portolan wait --waypoint app/wp', 'the other waypoints may take their time'],
    ['cp canary.yaml mesh/ && portolan wait --timeout 5s', 'go on when the edit is in force'],
  ],
  notes: ['The files are read again at once, so an edit made before the command is always part of what is waited for.'],
  flags,
  exits: [
    [0, 'everything is accepted'],
    [75, 'not in time; what is missing is printed'],
  ],
  see: ['status', 'check'],
  load: () => import('../wait.ts'),
};
