import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Host, type Root, type Vm } from '#host/emulator.ts';
import { encodeMetadata } from '#host/metadata.ts';
import type { Header } from '#host/headers.ts';
import { compileFixture } from '../filters/fixture.ts';
import { CASES, type ParityCase, TRAPS } from './host-parity.cases.ts';
import { RealEnvoy, sleep } from './real-envoy.ts';

// The same module and the same requests in the host and in a real Envoy: what the filter was told, what the upstream
// got and what the client got must be equal.

const FILTER = 'type.googleapis.com/envoy.extensions.filters';
/** Every kind of value, and one key a map: Envoy writes a map's members in any order. */
const METADATA = {
  'envoy.filters.http.other': { kept: { é: ['text', '', 1.5, true, false, null, {}, [], { deep: ['x'] }] } },
};

const NO_REQUEST = { headers: [] as readonly Header[], body: '' };

interface Seen {
  /** What the filter logged: one line a phase. */
  readonly log: readonly string[];
  readonly client: { readonly status: number; readonly headers: readonly Header[]; readonly body: string } | 'reset';
  readonly upstream: { readonly headers: readonly Header[]; readonly body: string };
}

let folder: string;
let upstream: Server;
let received: { readonly headers: readonly Header[]; readonly body: string } = NO_REQUEST;
let envoy: RealEnvoy;
let port: number;
let vm: Vm;
let root: Root;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-parity-'));
  const module = await compileFixture('parity');
  writeFileSync(join(folder, 'parity.wasm'), module);
  vm = await Host.load(module, { vmId: 'vm' });
  root = vm.configure({ rootId: 'root', name: 'parity', pluginConfig: new TextEncoder().encode('cfg') });
  upstream = createServer((socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const message = parse(text);
      if (!message) return;
      text = '';
      received = message;
      const slow = message.headers.some(([name]) => name === 'x-slow');
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nx-up: 1\r\ncontent-length: 2\r\n\r\nok'), slow ? 150 : 0);
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  envoy = await RealEnvoy.start(bootstrap(), ['--component-log-level', 'wasm:info']);
  port = await envoy.port('main');
});

afterAll(async () => {
  await envoy?.stop();
  upstream?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the host does what Envoy does', () => {
  test.each(CASES)('$label', async (item) => {
    expect(inHost(item)).toEqual(await inEnvoy(item));
  });

  test.each(TRAPS)('$label', async (item) => {
    const real = await inEnvoy(item);
    await sleep(50);
    expect(inHost(item)).toEqual(real);
  });

  test('a stream in flight gets 503 when another one traps', async () => {
    const flying: ParityCase = { label: 'in-flight', steps: 'rs:pairs,2;lg:pairs,2', headers: [['x-slow', '1']] };
    const trap: ParityCase = { label: 'trap-other', steps: 'rq:trap' };
    const [real] = await Promise.all([inEnvoy(flying), sleep(50).then(() => inEnvoy(trap))]);
    expect(real.client).toEqual({ status: 503, headers: [], body: '' });
    const stream = root.request({
      headers: [
        [':path', '/'],
        ['x-script', script(flying)],
      ],
    });
    root.request({
      headers: [
        [':path', '/'],
        ['x-script', script(trap)],
      ],
    });
    expect(stream.response({ headers: { ':status': '200' } }).reply).toMatchObject({
      status: 503,
      headers: [],
      body: '',
    });
  });

  test('a root is created, started and configured in this order', () => {
    const said = vm.logs.slice(0, 3).map((line) => line.message);
    expect(said).toEqual(['root created', 'vm started 0', 'configured cfg']);
    expect(envoy.log).toMatch(/root created\n.*vm started 0\n.*configured cfg/);
    expect(vm.traps).toBe(4);
  });
});

/** The script as the header's value. */
const script = (item: ParityCase): string => `${item.label};${item.steps}`;

async function inEnvoy(item: ParityCase): Promise<Seen> {
  received = NO_REQUEST;
  const headers = [['host', 'parity.test'], ['x-script', script(item)], ...(item.headers ?? [])];
  const chunked = headers.some(([name]) => name === 'transfer-encoding');
  let payload = item.body ?? '';
  if (payload !== '' && chunked) payload = `${payload.length.toString(16)}\r\n${payload}\r\n0\r\n\r\n`;
  else if (payload !== '') headers.push(['content-length', String(payload.length)]);
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const raw = await exchange(`${item.method ?? 'GET'} /p/a?q=1&r HTTP/1.1\r\n${lines}`, payload, item);
  await untilLogged(item.label);
  const client = raw === '' ? ('reset' as const) : clientSaw(raw, item.method === 'HEAD');
  return { log: logOf(item.label, envoyLines()), client, upstream: cleaned(received) };
}

/** Sends the head and, in a segment of its own, the body; gives all that came until the response was whole. */
function exchange(head: string, body: string, item: ParityCase): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const finish = (): void => {
      socket.destroy();
      resolve(text);
    };
    socket.setTimeout(1500, finish);
    socket.on('error', finish);
    socket.on('close', finish);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (parse(text, item.method === 'HEAD')) finish();
    });
    socket.write(`${head}\r\n`);
    if (body !== '') setTimeout(() => socket.write(body), 10);
  });
}

function inHost(item: ParityCase): Seen {
  const from = vm.logs.length;
  const body = item.body ?? '';
  // Of chunks a filter sees nothing: the codec takes the header away.
  const chunked = item.headers?.some(([name]) => name === 'transfer-encoding');
  const given = (item.headers ?? []).filter(([name]) => name !== 'transfer-encoding');
  if (body !== '' && !chunked) given.push(['content-length', String(body.length)]);
  // As Envoy's connection manager hands a request to the first filter.
  const headers: Header[] = [
    [':authority', 'parity.test'],
    [':path', '/p/a?q=1&r'],
    [':method', item.method ?? 'GET'],
    [':scheme', 'http'],
    ['x-script', script(item)],
    ...given,
    ['x-forwarded-proto', 'http'],
  ];
  const stream = root.request({ headers, endOfStream: body === '', properties: REQUEST_PROPERTIES });
  if (body !== '') {
    stream.body(body);
    if (stream.action !== 'reply') stream.body('', true);
  }
  vm.advance(30);
  let client: Seen['client'] = 'reset';
  const sent = { headers: stream.headers, body: stream.sentBody };
  let upstreamGot = NO_REQUEST;
  if (stream.action === 'continue' && !stream.wasReset) {
    upstreamGot = sent;
    const response: Header[] = [
      [':status', '200'],
      ['x-up', '1'],
      ['content-length', '2'],
    ];
    stream.response({ headers: response, endOfStream: false, properties: RESPONSE_PROPERTIES });
    if (!stream.reply) {
      stream.responseBody('ok');
      stream.responseBody('', true);
    }
    const { headers: out } = stream.responseOutcome;
    client = { status: statusOf(out), headers: out, body: stream.sentResponseBody };
  }
  if (stream.reply) client = { status: stream.reply.status, headers: stream.reply.headers, body: stream.reply.body };
  stream.end(LOG_PROPERTIES);
  const lines = vm.logs.slice(from).map((line) => line.message);
  const shown = client === 'reset' ? client : { ...client, headers: clean(client.headers) };
  return { log: logOf(item.label, lines), client: shown, upstream: cleaned(upstreamGot) };
}

const REQUEST_PROPERTIES = {
  'request.time': 0n,
  'request.protocol': 'HTTP/1.1',
  'connection.mtls': false,
  'connection.requested_server_name': '',
  'connection.id': 1,
  connection_id: 1,
  'source.address': '127.0.0.1:1',
  'source.port': 1,
  'destination.address': '127.0.0.1:2',
  'destination.port': 2,
  'xds.cluster_name': 'upstream',
  'xds.route_name': 'the route',
  'xds.virtual_host_name': 'all',
  'xds.listener_direction': 0,
  'xds.filter_chain_name': '',
  'filter_state.native': 'native value',
  metadata: encodeMetadata(METADATA),
} as const;

const RESPONSE_PROPERTIES = {
  'upstream.address': '127.0.0.1:3',
  'upstream.port': 3,
  'upstream.local_address': '127.0.0.1:4',
  'response.code_details': 'via_upstream',
} as const;

const LOG_PROPERTIES = { 'request.duration': 1000n, 'response.backend_latency': 1000n } as const;

const statusOf = (headers: readonly Header[]): number => Number(headers.find(([name]) => name === ':status')?.[1]);

/** What Envoy itself adds to a message after its filters, and what depends on the time of day. */
const OF_ENVOY = new Set([
  'date',
  'server',
  'connection',
  ':status',
  ':authority',
  ':path',
  ':method',
  ':scheme',
  'host',
])
  .add('x-forwarded-proto')
  .add('transfer-encoding')
  .add('keep-alive');

function clean(headers: readonly Header[]): Header[] {
  return headers
    .filter(
      ([name, value]) => !OF_ENVOY.has(name) && name !== 'x-script' && !(name === 'content-length' && value === '0'),
    )
    .map(([name, value]) => [name, value] as const);
}

const cleaned = ({ headers, body }: typeof NO_REQUEST): Seen['upstream'] => ({ headers: clean(headers), body });

function logOf(label: string, lines: readonly string[]): string[] {
  return lines
    .filter((line) => line.startsWith(`${label} `))
    .map((line) => line.replaceAll(/(?<=[= &])(date|server|connection|x-forwarded-proto)=[^&]*&/g, ''));
}

const envoyLines = (): string[] =>
  envoy.log.split('\n').map((line) => line.replace(/^.*? wasm log parity root vm: /, ''));

/** The filter's last line about a stream says `deleted`; a trap has none. */
async function untilLogged(label: string): Promise<void> {
  for (let i = 0; i < 40; i++) {
    const lines = envoyLines();
    if (
      lines.some(
        (line) => line.startsWith(`${label} deleted`) || (line.startsWith(`${label} `) && line.endsWith('trap')),
      )
    )
      return;
    await sleep(10);
  }
}

/** One HTTP/1.1 message, when it is whole. */
function parse(text: string, noBody = false): (typeof NO_REQUEST & { readonly first: string }) | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = lines.map((line): Header => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const rest = text.slice(end + 4);
  if (noBody) return { first, headers, body: '' };
  if (headers.some(([name]) => name === 'transfer-encoding')) {
    if (!rest.endsWith('0\r\n\r\n')) return undefined;
    let body = '';
    for (const match of rest.matchAll(/([0-9a-f]+)\r\n([^]*?)\r\n/g)) body += match[2];
    return { first, headers, body };
  }
  const length = Number(headers.find(([name]) => name === 'content-length')?.[1] ?? 0);
  return rest.length >= length ? { first, headers, body: rest.slice(0, length) } : undefined;
}

function clientSaw(raw: string, noBody: boolean): Seen['client'] {
  const message = parse(raw, noBody);
  if (!message) throw new Error(`the response is not whole: ${JSON.stringify(raw)}`);
  return { status: Number(message.first.split(' ')[1]), headers: clean(message.headers), body: message.body };
}

function bootstrap(): Record<string, unknown> {
  const address = upstream.address();
  const upstreamPort = typeof address === 'object' && address ? address.port : 0;
  const wasm = {
    '@type': `${FILTER}.http.wasm.v3.Wasm`,
    config: {
      name: 'parity',
      root_id: 'root',
      configuration: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: 'cfg' },
      failure_policy: 'FAIL_RELOAD',
      // An interval of 1 ms crashes Envoy 1.40 at the first reload; the default keeps the filter away for a second.
      reload_config: { backoff: { base_interval: '0.01s' } },
      vm_config: {
        vm_id: 'vm',
        runtime: 'envoy.wasm.runtime.v8',
        code: { local: { filename: join(folder, 'parity.wasm') } },
      },
    },
  };
  const state = {
    '@type': `${FILTER}.http.set_filter_state.v3.Config`,
    on_request_headers: [
      {
        object_key: 'native',
        factory_key: 'envoy.hashable_string',
        format_string: { text_format_source: { inline_string: 'native value' } },
      },
    ],
  };
  const manager = {
    '@type': `${FILTER}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'parity',
    generate_request_id: false,
    use_remote_address: false,
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ name: 'the route', match: { prefix: '/' }, route: { cluster: 'upstream' } }],
        },
      ],
    },
    http_filters: [
      { name: 'state', typed_config: state },
      {
        name: 'metadata',
        typed_config: {
          '@type': `${FILTER}.http.set_metadata.v3.Config`,
          metadata: Object.entries(METADATA).map(([metadata_namespace, value]) => ({ metadata_namespace, value })),
        },
      },
      { name: 'parity', typed_config: wasm },
      { name: 'router', typed_config: { '@type': `${FILTER}.http.router.v3.Router`, suppress_envoy_headers: true } },
    ],
  };
  return {
    node: { id: 'parity', cluster: 'parity' },
    static_resources: {
      listeners: [
        {
          name: 'main',
          address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
          filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
        },
      ],
      clusters: [
        {
          name: 'upstream',
          type: 'STATIC',
          load_assignment: {
            cluster_name: 'upstream',
            endpoints: [
              {
                lb_endpoints: [
                  { endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: upstreamPort } } } },
                ],
              },
            ],
          },
        },
      ],
    },
  };
}
