import type { Command, Flags } from '../command.ts';
import { files, pathNormalization, state } from './flags.ts';

const flags = {
  file: files,
  waypoint: { type: 'string', value: 'NS/NAME', about: 'serve this waypoint only (default: every one in the files)' },
  bind: {
    type: 'string',
    value: 'ADDRESS',
    about: 'where HBONE is terminated: host, host:port or :port (default 127.0.0.1:15008)',
  },
  cert: { type: 'string', value: 'FILE', about: 'certificate chain of the waypoint in PEM, the leaf first' },
  key: { type: 'string', value: 'FILE', about: 'private key of the certificate' },
  root: { type: 'string', value: 'FILE', about: 'roots that callers and endpoints are checked against' },
  'trust-domain': { type: 'string', value: 'DOMAIN', about: 'trust domain of the mesh (default cluster.local)' },
  page: {
    type: 'string',
    value: 'ADDRESS',
    about: 'where Prometheus metrics and readiness are served (default 127.0.0.1:15020)',
  },
  concurrency: { type: 'string', value: 'N', about: 'worker threads of Envoy (default: the number of CPUs)' },
  'no-envoy': {
    type: 'boolean',
    about: 'start no Envoy: write its bootstrap to the state folder, for one that is started elsewhere',
  },
  stats: {
    type: 'string',
    value: 'proxy|service',
    choices: ['proxy', 'service'],
    default: 'proxy',
    about: "Envoy's own counters: of the proxy as a whole, or of every service too (twice the memory)",
  },
  'path-normalization': pathNormalization(
    'how paths are normalized before policies see them (default: as ConfigMap istio says, or STRICT)',
  ),
  'repeated-headers': {
    type: 'string',
    value: 'judge|refuse',
    choices: ['judge', 'refuse'],
    default: 'judge',
    about: 'a header that a policy names, on several lines: every line counts, or the request is refused (better)',
  },
  'layered-authorization': {
    type: 'boolean',
    about: 'policies that select the waypoint decide about tunnels, before there is one (default: ztunnel alone does)',
  },
  'access-log': { type: 'string', value: 'FILE', about: 'where requests are logged as JSON lines (default: none)' },
  'explain-to': {
    type: 'string',
    multiple: true,
    value: 'PRINCIPAL,…',
    about:
      'callers whose denials carry the deciding rule in x-portolan-denied: NS/ACCOUNT, spiffe://…, or a prefix with *',
  },
  state,
  demo: { type: 'boolean', about: 'run Bookinfo in this process and show it by real requests' },
  once: {
    type: 'boolean',
    about: 'with --demo: end after what was shown; exit 1 if anything differs from what is documented',
  },
} as const satisfies Flags;

export const run: Command<typeof flags> = {
  name: 'run',
  group: 'Waypoint',
  about: 'Runs waypoints on this machine from files: Envoy, its configuration, a development CA.',
  usage: ['run -f PATH… [flags]', 'run --demo [--once]'],
  examples: [
    ['portolan run -f mesh/', 'serve what the folder describes; an edit is live within a second'],
    ['portolan run --demo', 'Bookinfo behind a waypoint, and requests that show what it does'],
    [
      'portolan run -f mesh/ --waypoint app/wp --bind 0.0.0.0:15008 --cert tls.crt --key tls.key --root ca.crt',
      'with certificates that were made elsewhere',
    ],
  ],
  flags,
  exits: [
    [0, 'ended by a signal after a clean stop'],
    [1, 'with --demo --once: something shown was not as documented'],
    [2, 'Envoy could not be had or started, or a port is taken'],
    [65, 'a path given with -f cannot be read'],
  ],
  see: ['check', 'wait', 'status', 'curl'],
  load: () => import('../run.ts'),
};
