import type { Command, Flags } from '../command.ts';
import { as, files, namespace, state } from './flags.ts';

const flags = {
  as,
  request: { type: 'string', short: 'X', value: 'METHOD', about: 'method (default GET, or POST with -d)' },
  header: {
    type: 'string',
    short: 'H',
    multiple: true,
    value: "'NAME: VALUE'",
    about: 'a request header; may be repeated',
  },
  data: {
    type: 'string',
    short: 'd',
    multiple: true,
    value: 'DATA',
    about: 'body; @FILE sends one, @- standard input, as it is read',
  },
  http2: {
    type: 'boolean',
    about: 'speak HTTP/2 inside the tunnel (h2c with prior knowledge), as gRPC does; default HTTP/1.1',
  },
  include: { type: 'boolean', short: 'i', about: 'print status line and headers before the body, trailers after it' },
  silent: { type: 'boolean', short: 's', about: 'without the line about what happened (the same as -q)' },
  fail: { type: 'boolean', about: 'exit 1 when the status is 400 or more, and print no body' },
  'max-time': {
    type: 'string',
    short: 'm',
    value: 'DURATION',
    about: 'how long the whole exchange may take: 2s, or seconds (default: 30s until the answer begins, then no limit)',
  },
  'no-buffer': { type: 'boolean', short: 'N', about: 'as curl spells it: the body is printed as it comes anyway' },
  waypoint: { type: 'string', value: 'HOST:PORT', about: 'where HBONE is terminated (default: the running portolan)' },
  'waypoint-identity': {
    type: 'string',
    value: 'SPIFFE',
    about: 'who the waypoint must prove to be (default: anyone of the roots)',
  },
  cert: {
    type: 'string',
    value: 'FILE',
    about: 'client certificate chain in PEM (default: issued for --as by the running portolan)',
  },
  key: { type: 'string', value: 'FILE', about: 'private key of the certificate' },
  root: { type: 'string', value: 'FILE', about: 'roots that the waypoint is checked against' },
  file: files,
  namespace,
  'trust-domain': {
    type: 'string',
    value: 'DOMAIN',
    default: 'cluster.local',
    about: 'trust domain of short identities',
  },
  state,
  output: {
    type: 'string',
    short: 'o',
    value: 'FILE',
    about: 'write the body to a file instead of standard output',
    group: 'output',
  },
  json: { type: 'boolean', about: 'print status, headers, body and explanation as one JSON object', group: 'output' },
} as const satisfies Flags;

export const curl: Command<typeof flags> = {
  name: 'curl',
  group: 'Look',
  about: 'Sends one request over real HBONE as any identity, and says in one line what the waypoint did.',
  usage: ['curl --as IDENTITY URL [flags]'],
  examples: [
    ['portolan curl --as bookinfo/productpage http://reviews.bookinfo:9080/reviews/0', 'as one service calls another'],
    ['portolan curl --as default/curl -X POST -d x=1 http://productpage.bookinfo:9080/', 'a body, as curl sends one'],
    [
      'portolan curl --as default/curl --http2 -i -H "te: trailers" http://greeter.app:9090/greet.Greeter/SayHello',
      'HTTP/2, with the trailers of gRPC',
    ],
    ['portolan curl --as app/web http://feed.app/events -m 60', 'server-sent events as they come, for a minute'],
    [
      'portolan curl --waypoint 10.0.0.7:15008 --cert c.pem --key k.pem --root ca.pem http://10.96.0.10:9080/',
      'any waypoint, with certificates of your own',
    ],
  ],
  notes: [
    'The service of the URL is looked up in the running portolan, or in the files given with -f: `reviews`, `reviews.bookinfo` and the full name are known. An address is taken as it is.',
    'The body goes to standard output as it comes; the line about what happened goes to standard error when it has ended.',
  ],
  flags,
  exits: [
    [0, 'an answer came, whatever its status'],
    [1, 'with --fail: the status is 400 or more'],
    [69, 'the waypoint cannot be reached, or knows no such address'],
    [75, 'no answer in time'],
    [77, 'the waypoint or its certificate was refused'],
  ],
  see: ['explain', 'certs'],
  load: () => import('../curl.ts'),
};
