import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError, createClient, type Client } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { createWritableIterable } from '@connectrpc/connect/protocol';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CLUSTER, LISTENER, ROUTES, type XdsResource, type XdsSnapshot } from '#envoy/resource.ts';
import { AggregatedDiscoveryService } from '#gen/envoy/service/discovery/v3/ads_pb.ts';
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
} from '#gen/envoy/service/discovery/v3/discovery_pb.ts';
import type { XdsEvent } from './event.ts';
import { createXdsServer, type XdsServer, type XdsServerOptions } from './server.ts';

const KEY = 'bookinfo/waypoint';
const NODE = `waypoint~${KEY}~1`;

/** On a machine that does much else. */
const SOON = { timeout: 10_000 };

let folder: string;
let path: string;
let server: XdsServer;
let events: XdsEvent[];
const opened: (() => void)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portolan-xds-'));
  path = join(folder, 'xds.sock');
  events = [];
});

afterEach(async () => {
  for (const close of opened.splice(0)) close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function serve(options: Partial<XdsServerOptions> = {}): Promise<void> {
  server = createXdsServer({
    authorize: (node) => ({ key: node.key }),
    onEvent: (event) => events.push(event),
    ...options,
  });
  await server.listen(path);
}

function client(): Client<typeof AggregatedDiscoveryService> {
  const transport = createGrpcTransport({
    baseUrl: 'http://localhost',
    nodeOptions: { path },
  });
  return createClient(AggregatedDiscoveryService, transport);
}

/** A delta stream of a real gRPC client. */
class DeltaStream {
  readonly #requests = createWritableIterable<DeltaDiscoveryRequest>();
  readonly #responses: AsyncIterator<DeltaDiscoveryResponse>;

  constructor() {
    const abort = new AbortController();
    const responses = client().deltaAggregatedResources(this.#requests, { signal: abort.signal });
    this.#responses = responses[Symbol.asyncIterator]();
    opened.push(() => abort.abort());
  }

  send(typeUrl: string, fields: MessageInitShape<typeof DeltaDiscoveryRequestSchema> = {}): void {
    const request: MessageInitShape<typeof DeltaDiscoveryRequestSchema> = { node: { id: NODE }, typeUrl };
    void this.#requests.write(create(DeltaDiscoveryRequestSchema, Object.assign(request, fields)));
  }

  async receive(): Promise<DeltaDiscoveryResponse> {
    const next = await this.#responses.next();
    if (next.done === true) throw new Error('the stream ended');
    return next.value;
  }

  ack({ typeUrl, nonce }: DeltaDiscoveryResponse): void {
    this.send(typeUrl, { responseNonce: nonce });
  }

  /** The status with which the server ends the stream. */
  async failure(): Promise<ConnectError> {
    for (;;) {
      try {
        await this.receive();
      } catch (error) {
        return ConnectError.from(error);
      }
    }
  }
}

const resource = (typeUrl: string, name: string, version: string, size = 4): XdsResource => ({
  typeUrl,
  name,
  version,
  value: new Uint8Array(size).fill(7),
});

const snapshot = (...resources: readonly XdsResource[]): XdsSnapshot =>
  new Map(
    [CLUSTER, LISTENER, ROUTES].map((type) => [
      type,
      new Map(resources.filter(({ typeUrl }) => typeUrl === type).map((each) => [each.name, each])),
    ]),
  );

const names = (response: DeltaDiscoveryResponse): string =>
  response.resources.map(({ name, version }) => `${name}@${version}`).join(' ');

it('serves a real client: resources, their bytes and versions, removals', async () => {
  await serve();
  server.setSnapshot(KEY, snapshot(resource(CLUSTER, 'a', '1'), resource(CLUSTER, 'b', '1')));
  const stream = new DeltaStream();
  stream.send(CLUSTER);
  const first = await stream.receive();
  expect(names(first)).toBe('a@1 b@1');
  expect(first.resources[0]?.resource).toMatchObject({ typeUrl: CLUSTER, value: new Uint8Array([7, 7, 7, 7]) });
  stream.ack(first);
  server.setSnapshot(KEY, snapshot(resource(CLUSTER, 'a', '2')));
  const second = await stream.receive();
  expect(names(second)).toBe('a@2');
  stream.ack(second);
  const third = await stream.receive();
  expect(third.removedResources).toEqual(['b']);
  stream.ack(third);
  await server.settled(KEY, AbortSignal.timeout(50)).catch(() => {});
  expect(events.map(({ kind }) => kind)).toEqual(['connected', 'sent', 'ack', 'sent', 'ack', 'sent', 'ack']);
  expect(events.flatMap((event) => (event.kind === 'sent' ? [event.bytes > 40] : []))).toEqual([true, true, true]);
});

it('serves a real client the state of the world', async () => {
  await serve();
  server.setSnapshot(KEY, snapshot(resource(CLUSTER, 'a', '1'), resource(CLUSTER, 'b', '1')));
  const requests = createWritableIterable<ReturnType<typeof ask>>();
  const ask = (responseNonce: string) =>
    create(DiscoveryRequestSchema, { node: { id: NODE }, typeUrl: CLUSTER, responseNonce });
  const abort = new AbortController();
  opened.push(() => abort.abort());
  const responses = client().streamAggregatedResources(requests, { signal: abort.signal })[Symbol.asyncIterator]();
  void requests.write(ask(''));
  const first = (await responses.next()).value;
  expect(first.resources).toHaveLength(2);
  void requests.write(ask(first.nonce));
  server.setSnapshot(KEY, snapshot(resource(CLUSTER, 'a', '2')));
  const second = (await responses.next()).value;
  expect(second.resources).toHaveLength(2);
  void requests.write(ask(second.nonce));
  const third = (await responses.next()).value;
  expect(third.resources).toHaveLength(1);
  expect(new Set([first.versionInfo, second.versionInfo, third.versionInfo]).size).toBe(3);
});

it('sends the newest of a thousand snapshots that came while a response was under way', async () => {
  await serve();
  server.setSnapshot(KEY, snapshot(resource(CLUSTER, 'a', '0')));
  const stream = new DeltaStream();
  stream.send(CLUSTER);
  const first = await stream.receive();
  for (let version = 1; version <= 1_000; version++) {
    server.setSnapshot(KEY, snapshot(resource(CLUSTER, 'a', `${version}`)));
    if (version % 100 === 0) await sleep(1);
  }
  stream.ack(first);
  expect(names(await stream.receive())).toBe('a@1000');
  expect(events.filter(({ kind }) => kind === 'sent')).toHaveLength(2);
});

it('holds no more memory for a hundred clients that never read', { timeout: 20_000 }, async () => {
  await serve();
  const big = (version: number): XdsSnapshot => snapshot(resource(CLUSTER, 'a', `${version}`, 1 << 20));
  server.setSnapshot(KEY, big(0));
  for (let index = 0; index < 100; index++) {
    const session = http2.connect('http://localhost', { path });
    session.on('error', () => {});
    opened.push(() => session.destroy());
    const request = session.request({
      ':method': 'POST',
      ':path': '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources',
      'content-type': 'application/grpc+proto',
      te: 'trailers',
    });
    request.on('error', () => {}).pause();
    request.write(frame(NODE, CLUSTER));
  }
  await expect.poll(() => events.filter(({ kind }) => kind === 'sent').length, { timeout: 10_000 }).toBe(100);
  const before = process.memoryUsage().external;
  for (let version = 1; version <= 200; version++) {
    server.setSnapshot(KEY, big(version));
    if (version % 20 === 0) await sleep(1);
  }
  expect(events.filter(({ kind }) => kind === 'sent')).toHaveLength(100);
  expect(process.memoryUsage().external - before).toBeLessThan(300 << 20);
  expect(server.status().nodes).toHaveLength(100);
});

/** A gRPC frame of a DeltaDiscoveryRequest with a node and a type. */
function frame(node: string, typeUrl: string): Buffer {
  const field = (number: number, value: Buffer): Buffer =>
    Buffer.concat([Buffer.from([(number << 3) | 2, value.length]), value]);
  const message = Buffer.concat([field(1, field(1, Buffer.from(node))), field(2, Buffer.from(typeUrl))]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

it('tells every refused version once, and its reason', async () => {
  await serve();
  server.setSnapshot(KEY, snapshot(resource(LISTENER, 'a', '1')));
  for (let round = 0; round < 3; round++) {
    const stream = new DeltaStream();
    stream.send(LISTENER);
    const response = await stream.receive();
    stream.send(LISTENER, {
      responseNonce: response.nonce,
      errorDetail: { code: 13, message: 'dump\n: no such filter' },
    });
    await expect.poll(() => server.status().nodes.at(-1)?.nacks.length, SOON).toBe(1);
  }
  expect(events.filter(({ kind }) => kind === 'nack')).toEqual([
    { kind: 'nack', node: NODE, typeUrl: LISTENER, name: 'a', version: '1', reason: 'no such filter' },
  ]);
});

it('waits until a snapshot is in force, or refused', async () => {
  await serve();
  server.setSnapshot(KEY, snapshot(resource(CLUSTER, 'a', '1'), resource(LISTENER, 'l', '1')));
  const settled = server.settled(KEY, AbortSignal.timeout(3_000));
  const stream = new DeltaStream();
  stream.send(CLUSTER);
  stream.ack(await stream.receive());
  await sleep(20);
  stream.send(LISTENER);
  const response = await stream.receive();
  await expect(Promise.race([settled, sleep(50, 'pending')])).resolves.toBe('pending');
  stream.send(LISTENER, { responseNonce: response.nonce, errorDetail: { message: 'no' } });
  expect(await settled).toEqual({
    nodes: [NODE],
    nacks: [{ node: NODE, typeUrl: LISTENER, name: 'l', version: '1', reason: 'no' }],
    unasked: 0,
  });
  await expect(server.settled('other/waypoint', AbortSignal.timeout(30))).rejects.toThrow(/timeout/);
});

it('keeps the waypoints apart', async () => {
  await serve();
  server.setSnapshot(KEY, snapshot(resource(CLUSTER, 'mine', '1')));
  server.setSnapshot('other/waypoint', snapshot(resource(CLUSTER, 'theirs', '1'), resource(ROUTES, 'secret', '1')));
  const stream = new DeltaStream();
  stream.send(CLUSTER);
  stream.ack(await stream.receive());
  stream.send(ROUTES, { resourceNamesSubscribe: ['secret'] });
  server.setSnapshot('other/waypoint', snapshot(resource(CLUSTER, 'theirs', '2'), resource(ROUTES, 'secret', '2')));
  await expect
    .poll(() => server.status().nodes[0]?.types.find(({ typeUrl }) => typeUrl === ROUTES)?.missing, SOON)
    .toEqual(['secret']);
  expect(events.filter(({ kind }) => kind === 'sent')).toHaveLength(1);
});

it.each([
  ['no node', { node: {} }, Code.InvalidArgument, /expected a node id in the first message/],
  ['a node id that is none', { node: { id: '../x' } }, Code.InvalidArgument, /expected a node id waypoint~/],
  ['a node of another waypoint', { node: { id: 'waypoint~other/waypoint~1' } }, Code.PermissionDenied, /not yours/],
  [
    'too many names',
    { typeUrl: ROUTES, resourceNamesSubscribe: ['a', 'b', 'c', 'd', 'e', 'f'] },
    Code.ResourceExhausted,
    /at most 5 names of one type, came 6/,
  ],
  ['a message that is too long', { typeUrl: 'x'.repeat(70_000) }, Code.ResourceExhausted, /./],
])('refuses %s, and nobody else', async (_, fields, code, message) => {
  await serve({
    authorize: (node) => (node.key === KEY ? { key: KEY } : { refused: `waypoint ${node.key} is not yours` }),
    limits: { names: 5, messageBytes: 65_536 },
  });
  server.setSnapshot(KEY, snapshot(resource(CLUSTER, 'a', '1')));
  const good = new DeltaStream();
  good.send(CLUSTER);
  good.ack(await good.receive());
  const bad = new DeltaStream();
  bad.send(CLUSTER, fields);
  const failure = await bad.failure();
  expect(Code[failure.code]).toBe(Code[code]);
  expect(failure.message).toMatch(message);
  server.setSnapshot(KEY, snapshot(resource(CLUSTER, 'a', '2')));
  expect(names(await good.receive())).toBe('a@2');
});

it('refuses another node id later in a stream, a stream that says nothing, and too many streams', async () => {
  await serve({ limits: { helloMs: 50, streams: 1 } });
  server.setSnapshot(KEY, snapshot(resource(CLUSTER, 'a', '1')));
  const silent = new DeltaStream();
  expect((await silent.failure()).code).toBe(Code.DeadlineExceeded);
  const first = new DeltaStream();
  first.send(CLUSTER);
  await first.receive();
  const second = new DeltaStream();
  second.send(CLUSTER);
  expect((await second.failure()).code).toBe(Code.ResourceExhausted);
  first.send(CLUSTER, { node: { id: 'waypoint~other/waypoint~1' } });
  expect((await first.failure()).code).toBe(Code.PermissionDenied);
  await expect.poll(() => server.status().nodes, SOON).toEqual([]);
});

it('ends the streams of a waypoint that is no more', async () => {
  await serve();
  server.setSnapshot(KEY, snapshot());
  const stream = new DeltaStream();
  stream.send(CLUSTER);
  await stream.receive();
  server.removeSnapshot(KEY);
  const failure = await stream.failure();
  expect(failure.code).toBe(Code.Unavailable);
  expect(events.at(-1)).toEqual({
    kind: 'disconnected',
    node: NODE,
    key: KEY,
    reason: `the waypoint ${KEY} is no more`,
  });
});

it('closes with streams open, and its socket can be used again', async () => {
  await serve();
  const stream = new DeltaStream();
  stream.send(CLUSTER);
  await expect.poll(() => server.status().nodes.length, SOON).toBe(1);
  const failure = stream.failure();
  await server.close();
  expect((await failure).code).toBe(Code.Unavailable);
  await serve();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

it('takes the place of a dead process, never of a live one, and keeps to private folders', async () => {
  await serve();
  const other = createXdsServer({ authorize: (node) => ({ key: node.key }) });
  await expect(other.listen(path)).rejects.toThrow(/came a process that serves it/);
  await writeFile(join(folder, 'file'), '');
  await expect(other.listen(join(folder, 'file'))).rejects.toThrow(/came a file/);
  await mkdir(join(folder, 'open'));
  await chmod(join(folder, 'open'), 0o755);
  await expect(other.listen(join(folder, 'open', 'x.sock'))).rejects.toThrow(/0700.*came 0755; run chmod 700/);
  await expect(other.listen(join(folder, 'x'.repeat(200)))).rejects.toThrow(/at most 103 bytes/);
  await other.listen(join(folder, 'made', 'x.sock'));
  expect((await stat(join(folder, 'made'))).mode & 0o777).toBe(0o700);
  await other.close();
});
