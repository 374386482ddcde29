import type { Command, Flags } from '../command.ts';
import { as, files, json, namespace, output, pathNormalization, state } from './flags.ts';

const flags = {
  as,
  header: {
    type: 'string',
    short: 'H',
    multiple: true,
    value: "'NAME: VALUE'",
    about: 'a request header; may be repeated',
  },
  'source-ip': {
    type: 'string',
    value: 'ADDRESS',
    about: "the caller's address (default: that of a pod with its identity)",
  },
  claims: {
    type: 'string',
    value: 'JSON',
    about: "the claims of the request's token, as verified: its issuer and subject are iss and sub",
  },
  expect: {
    type: 'string',
    value: 'allow|deny',
    choices: ['allow', 'deny'],
    about: 'exit 1 if the decision is another',
  },
  'request-id': {
    type: 'string',
    value: 'ID',
    about: 'a denied request that a running waypoint has seen, by the x-request-id of its answer',
  },
  last: { type: 'boolean', about: 'the request that was denied last' },
  list: { type: 'boolean', about: 'the requests that were denied last, in a table' },
  file: files,
  namespace,
  'trust-domain': {
    type: 'string',
    value: 'DOMAIN',
    default: 'cluster.local',
    about: 'trust domain of short identities',
  },
  'path-normalization': pathNormalization(
    'how paths are normalized before policies see them (default: as the running portolan does; with -f STRICT)',
  ),
  state,
  output: output(['text', 'json', 'yaml']),
  json,
} as const satisfies Flags;

export const explain: Command<typeof flags> = {
  name: 'explain',
  group: 'Look',
  about: 'Says what a waypoint does with a request, and why: identity, policy and rule, route, backends.',
  usage: ['explain --as IDENTITY [METHOD] URL [flags]', 'explain --request-id ID | --last | --list'],
  examples: [
    ['portolan explain --as bookinfo/productpage GET http://reviews.bookinfo:9080/', 'from the running portolan'],
    [
      "portolan explain -f mesh/ --as default/curl DELETE http://reviews.bookinfo:9080/ -H 'x-user: a'",
      'from files; nothing runs',
    ],
    [
      `portolan explain -f mesh/ --as default/curl http://reviews.bookinfo:9080/ --claims '{"iss": "https://issuer", "sub": "a"}'`,
      'with a token',
    ],
    ['portolan explain -f mesh/ --as default/curl http://ratings.bookinfo:9080/ --expect deny', 'as a test in CI'],
    ['portolan explain --last', 'the 403 that just happened: what was decided, and what would be now'],
    ['portolan explain --request-id 5b0f1c7e-8d0f-9c1a-b7a4-3c9a0f6f1b2d', 'the one that a caller quotes'],
  ],
  notes: [
    'The decision is made by the same WebAssembly and the same program that Envoy runs.',
    'A running waypoint keeps denied requests (not those that were allowed) in its state folder, readable by its owner alone: caller, address, method, path without its query, and the headers that its policies named when it was started. Authorization, cookies, tokens, keys and long values are never kept; explain says so.',
  ],
  flags,
  exits: [
    [0, 'explained; with --expect, as expected'],
    [1, 'with --expect: the decision is another'],
    [2, 'no waypoint serves the address of the URL, or no such request was denied'],
    [69, 'no -f, and no portolan runs'],
  ],
  see: ['curl', 'check', 'translate'],
  load: () => import('../explain.ts'),
};
