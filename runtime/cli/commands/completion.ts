import type { Command, Flags } from '../command.ts';

const flags = {} as const satisfies Flags;

export const completion: Command<typeof flags> = {
  name: 'completion',
  group: 'Other',
  about: 'Prints a completion script for a shell.',
  usage: ['completion bash|zsh|fish'],
  examples: [
    ['source <(portolan completion bash)', 'bash, for this session'],
    ['portolan completion zsh > "${fpath[1]}/_portolan"', 'zsh, for good'],
    ['portolan completion fish > ~/.config/fish/completions/portolan.fish', 'fish, for good'],
  ],
  words: ['bash', 'zsh', 'fish'],
  flags,
  exits: [[0, 'the script is on standard output']],
  see: ['help'],
  load: () => import('../completion.ts'),
};
