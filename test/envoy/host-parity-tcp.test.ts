import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Host, type Vm } from '#host/emulator.ts';
import { compileFixture } from '../filters/fixture.ts';
import { RealEnvoy, sleep } from './real-envoy.ts';

// The same filter on the same TCP connections in the host and in a real Envoy. A script is a root's configuration.

const SCRIPTS = [
  'pass;nc:has,source/address;nc:has,request/path;nc:property,metadata;nc:has,connection/requested_server_name;nc:body,2,0,9;dd:body,2,0,99;dd:body-status,2;ud:body,3,0,99;lg:has,source/address',
  'close;nc:close,2',
  'close-upstream;nc:close,3;nc:pause',
  'pause;nc:pause',
  'close-data;dd:close,2;dd:pause',
  'pause-data;dd:pause',
  'trap;nc:trap',
];
const FILTER = 'type.googleapis.com/envoy.extensions.filters';

interface Seen {
  readonly log: readonly string[];
  readonly upstream: string;
  readonly client: string;
}

let folder: string;
let upstream: Server;
let received = '';
let envoy: RealEnvoy;
let vm: Vm;

const labelOf = (script: string): string => script.split(';', 1)[0] ?? '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-parity-'));
  const module = await compileFixture('parity');
  writeFileSync(join(folder, 'parity.wasm'), module);
  vm = await Host.load(module, { vmId: 'vm' });
  upstream = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString();
      socket.write('pong');
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  envoy = await RealEnvoy.start(bootstrap(), ['--component-log-level', 'wasm:info']);
});

afterAll(async () => {
  await envoy?.stop();
  upstream?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the host does what Envoy does with a connection', () => {
  test.each(SCRIPTS)('%s', async (script) => {
    expect(inHost(script)).toEqual(await inEnvoy(script));
  });
});

async function inEnvoy(script: string): Promise<Seen> {
  received = '';
  const label = labelOf(script);
  const port = await envoy.port(label);
  const client = await new Promise<string>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('ping'));
    let text = '';
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.endsWith('pong')) socket.destroy();
    });
    socket.setTimeout(300, () => socket.destroy());
  });
  await sleep(100);
  const lines = envoy.log.split('\n').map((line) => line.replace(/^.*? wasm log parity root vm: /, ''));
  return { log: logOf(label, lines), upstream: received, client };
}

function inHost(script: string): Seen {
  const from = vm.logs.length;
  const root = vm.configure({ rootId: 'root', pluginConfig: new TextEncoder().encode(script) });
  const connection = root.connection({
    properties: { 'connection.requested_server_name': '', 'source.address': '127.0.0.1:1' },
  });
  if (connection.action === 'continue') {
    connection.data('ping');
    if (connection.toUpstream !== '') connection.upstreamData('pong');
    connection.data('', true);
    if (connection.action === 'continue') connection.upstreamData('', true);
  }
  // While it is paused Envoy does not read, and so does not learn that the client has gone.
  if (connection.action !== 'pause') connection.close('proxy');
  const lines = vm.logs.slice(from).map((line) => line.message);
  return { log: logOf(labelOf(script), lines), upstream: connection.toUpstream, client: connection.toDownstream };
}

const logOf = (label: string, lines: readonly string[]): string[] =>
  lines.filter((line) => line.startsWith(`${label} `));

function bootstrap(): Record<string, unknown> {
  const address = upstream.address();
  const endpoint = {
    socket_address: { address: '127.0.0.1', port_value: typeof address === 'object' ? address?.port : 0 },
  };
  return {
    node: { id: 'parity', cluster: 'parity' },
    static_resources: {
      listeners: SCRIPTS.map((script) => ({
        name: labelOf(script),
        address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
        filter_chains: [
          {
            filters: [
              { name: 'parity', typed_config: wasm(script) },
              { name: 'tcp', typed_config: proxy },
            ],
          },
        ],
      })),
      clusters: [
        {
          name: 'upstream',
          type: 'STATIC',
          load_assignment: {
            cluster_name: 'upstream',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: endpoint } }] }],
          },
        },
      ],
    },
  };
}

const proxy = { '@type': `${FILTER}.network.tcp_proxy.v3.TcpProxy`, stat_prefix: 'tcp', cluster: 'upstream' };

const wasm = (script: string): object => ({
  '@type': `${FILTER}.network.wasm.v3.Wasm`,
  config: {
    name: 'parity',
    root_id: 'root',
    configuration: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: script },
    failure_policy: 'FAIL_RELOAD',
    vm_config: {
      vm_id: 'vm',
      runtime: 'envoy.wasm.runtime.v8',
      code: { local: { filename: join(folder, 'parity.wasm') } },
    },
  },
});
