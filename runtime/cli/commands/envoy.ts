import type { Command, Flags } from '../command.ts';

const flags = {} as const satisfies Flags;

export const envoy: Command<typeof flags> = {
  name: 'envoy',
  group: 'Other',
  about: 'Finds the Envoy that would run, fetching it if there is none, and prints its path.',
  usage: ['envoy path'],
  examples: [['$(portolan envoy path) --version', 'the same Envoy, by hand']],
  notes: ['Looked for in PORTOLAN_ENVOY, on PATH and in the cache; fetched once, checked against pinned hashes.'],
  words: ['path'],
  flags,
  exits: [
    [0, 'the path is on standard output'],
    [2, 'Envoy cannot be had'],
  ],
  see: ['run'],
  load: () => import('../envoy.ts'),
};
