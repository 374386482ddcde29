import type { Command, Flags } from '../command.ts';
import { json, output, state } from './flags.ts';

const flags = {
  out: { type: 'string', value: 'FOLDER', about: 'where tls.crt, tls.key (0600) and ca.crt are written' },
  ttl: { type: 'string', value: 'DURATION', default: '24h', about: 'how long a certificate lives: 90s, 1h, 24h' },
  root: { type: 'string', value: 'FILE', about: 'with inspect: roots that the chain is checked against' },
  'trust-domain': {
    type: 'string',
    value: 'DOMAIN',
    default: 'cluster.local',
    about: 'trust domain of the development CA',
  },
  state,
  output: output(['table', 'wide', 'json', 'yaml', 'name']),
  json,
} as const satisfies Flags;

export const certs: Command<typeof flags> = {
  name: 'certs',
  group: 'Other',
  about: 'Issues development certificates for any identity, and shows what is in a certificate.',
  usage: [
    'certs issue IDENTITY --out FOLDER [flags]',
    'certs inspect FILE… [--root FILE]',
    'certs list [--state FOLDER]',
  ],
  examples: [
    [
      'portolan certs issue ns/bookinfo/sa/productpage --out /tmp/productpage',
      'tls.crt, tls.key and ca.crt for your own client',
    ],
    ['portolan certs inspect tls.crt --root ca.crt', 'identity, end and trust of a chain'],
    ['portolan certs list', 'certificates of the running waypoints'],
  ],
  notes: [
    'The development CA is that of the state folder: what it issues is trusted by the `portolan run` that uses the same one.',
  ],
  words: ['issue', 'inspect', 'list'],
  flags,
  exits: [
    [0, 'ok'],
    [1, 'inspect: a certificate is expired, has no identity or leads to none of the roots'],
    [65, 'a file holds no certificate'],
    [69, 'list: no portolan runs'],
    [77, 'the CA does not issue for this identity'],
  ],
  see: ['curl', 'status'],
  load: () => import('../certs.ts'),
};
