import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { METRICS_LIMIT } from '#abi/metrics.ts';
import { PROGRAM_CHECKSUM_OFFSET } from '#abi/program.ts';
import { ConfigurationRefused, Host, type Root, type Vm } from '#host/emulator.ts';
import type { Properties } from '#host/properties.ts';
import { compileMetrics } from '#policy/metrics/compile.ts';
import { STATS_TAGS } from '#policy/metrics/tags.ts';
import { checksum } from '#policy/writer.ts';
import { BUILDS, loadFilter } from './load.ts';
import { mutation, runs } from './mutation.ts';

const PROGRAM = compileMetrics();
const REVIEWS = 'reviews.bookinfo.svc.cluster.local;reviews;bookinfo';
const PRODUCTPAGE = 'spiffe://cluster.local/ns/bookinfo/sa/bookinfo-productpage';
const BAGGAGE =
  'k8s.cluster.name=Kubernetes,k8s.namespace.name=bookinfo,k8s.deployment.name=productpage-v1,' +
  'service.name=productpage,service.version=v1,cloud.region=r,k8s.instance.name=productpage-v1-abc';
const WORKLOAD = 'reviews-v3;bookinfo;reviews;v3;Kubernetes;spiffe://cluster.local/ns/bookinfo/sa/bookinfo-reviews';

/** The labels that the bootstrap's expressions make of a name, as Envoy applies them, and what is left of the name. */
function labels(name: string): Record<string, string> {
  const full = `wasmcustom.${name}`;
  const removed: [number, number][] = [];
  const found: Record<string, string> = {};
  for (const { tagName, regex } of STATS_TAGS) {
    const match = new RegExp(regex, 'd').exec(full);
    if (!match?.indices?.[1]) continue;
    found[tagName] = match[2] ?? '';
    removed.push(match.indices[1]);
  }
  const rest = Array.from(full)
    .filter((_, i) => !removed.some(([from, to]) => i >= from && i < to))
    .join('');
  return { ...found, __name__: rest.replace('wasmcustom.', '') };
}

/** The same program with another number of series. */
function withLimit(limit: number): Uint8Array {
  const changed = PROGRAM.slice();
  const view = new DataView(changed.buffer);
  view.setUint32(METRICS_LIMIT, limit, true);
  view.setUint32(PROGRAM_CHECKSUM_OFFSET, checksum(changed), true);
  return changed;
}

interface Exchange {
  /** Its line, as the listener says it. */
  readonly service?: string;
  readonly principal?: string;
  readonly baggage?: string;
  readonly workload?: string;
  readonly status?: string;
  readonly contentType?: string;
  readonly properties?: Properties;
  readonly waitMs?: number;
  readonly body?: boolean;
}

describe.each(BUILDS)('metrics (%s)', (build) => {
  const module = loadFilter('metrics', build);
  let vm: Vm;

  async function start(bytes = PROGRAM): Promise<Root> {
    vm = await Host.load(module);
    return vm.configure({ rootId: 'metrics', pluginConfig: bytes });
  }

  function exchange(
    root: Root,
    {
      service = REVIEWS,
      principal = '',
      baggage = '',
      workload,
      status = '200',
      contentType,
      properties,
      waitMs = 0,
      body = false,
    }: Exchange,
  ): void {
    const stream = root.request({
      headers: [
        [':method', 'GET'],
        [':path', '/reviews/0'],
        ...(contentType ? [['content-type', contentType] as [string, string]] : []),
      ],
      properties: { 'filter_state.portolan.parties': `${service}\n${baggage}\n${principal}` },
      endOfStream: !body,
    });
    expect(stream.action).toBe('continue');
    vm.advance(waitMs);
    stream.response({
      headers: [[':status', status]],
      properties: {
        ...(workload === undefined ? {} : { 'xds.upstream_host_metadata.filter_metadata.istio.workload': workload }),
        'response.total_size': 1234,
        'request.total_size': 4321,
        ...properties,
      },
    });
    stream.end();
  }

  const series = (): Record<string, string>[] =>
    vm.metrics
      .names('counter')
      .filter((name) => name.startsWith('istio_'))
      .map(labels);

  it("writes Istio's 25 labels in Istio's order", async () => {
    const root = await start();
    for (let i = 0; i < 3; i++) exchange(root, { principal: PRODUCTPAGE, baggage: BAGGAGE, workload: WORKLOAD });
    const [name = ''] = vm.metrics.names('counter').filter((each) => each.startsWith('istio_'));
    expect(vm.metrics.counter(name)).toBe(3);
    expect(Object.entries(labels(name))).toEqual([
      ['reporter', 'waypoint'],
      ['source_workload', 'productpage-v1'],
      ['source_canonical_service', 'productpage'],
      ['source_canonical_revision', 'v1'],
      ['source_workload_namespace', 'bookinfo'],
      ['source_principal', PRODUCTPAGE],
      ['source_app', 'productpage'],
      ['source_version', 'v1'],
      ['source_cluster', 'Kubernetes'],
      ['destination_workload', 'reviews-v3'],
      ['destination_workload_namespace', 'bookinfo'],
      ['destination_principal', 'spiffe://cluster.local/ns/bookinfo/sa/bookinfo-reviews'],
      ['destination_app', 'reviews'],
      ['destination_version', 'v3'],
      ['destination_service', 'reviews.bookinfo.svc.cluster.local'],
      ['destination_canonical_service', 'reviews'],
      ['destination_canonical_revision', 'v3'],
      ['destination_service_name', 'reviews'],
      ['destination_service_namespace', 'bookinfo'],
      ['destination_cluster', 'Kubernetes'],
      ['request_protocol', 'http'],
      ['response_code', '200'],
      ['grpc_response_status', ''],
      ['response_flags', '-'],
      ['connection_security_policy', 'mutual_tls'],
      ['__name__', 'istio_requests_total'],
    ]);
    expect(vm.metrics.names('histogram').map((each) => labels(each)['__name__'])).toEqual([
      'istio_request_bytes',
      'istio_request_duration_milliseconds',
      'istio_response_bytes',
    ]);
  });

  it('measures duration and sizes', async () => {
    const root = await start();
    exchange(root, { waitMs: 37, body: true });
    exchange(root, { waitMs: 0 });
    const values = (metric: string) =>
      vm.metrics.histogram(vm.metrics.names('histogram').find((name) => name.startsWith(`${metric}.`)) ?? '');
    expect(values('istio_request_duration_milliseconds')).toEqual([37, 0]);
    expect(values('istio_response_bytes')).toEqual([1234, 1234]);
    // A request without a body is as large as its headers; one with a body is asked about at its end.
    expect(values('istio_request_bytes')).toEqual([4321, ':methodGET:path/reviews/0'.length]);
  });

  it('what is not known is unknown: no identity, no baggage, no endpoint', async () => {
    const root = await start();
    exchange(root, { status: '503', properties: { 'response.flags': 0b100010 } });
    const [only] = series();
    expect(only).toMatchObject({
      source_workload: 'unknown',
      source_workload_namespace: 'unknown',
      source_principal: 'unknown',
      destination_workload: 'unknown',
      destination_principal: 'unknown',
      destination_service: 'reviews.bookinfo.svc.cluster.local',
      response_code: '503',
      response_flags: 'UH,UF',
      connection_security_policy: 'none',
    });
  });

  it('a connection of which nothing was said is of an unknown service', async () => {
    const root = await start();
    const stream = root.request({ headers: [[':path', '/']] });
    stream.response({ headers: [[':status', '200']] });
    stream.end();
    expect(series()[0]).toMatchObject({
      destination_service: 'unknown',
      destination_service_name: 'unknown',
      destination_service_namespace: 'unknown',
      source_principal: 'unknown',
      connection_security_policy: 'none',
    });
  });

  it('no line feed in an identity makes a service or a baggage of it', async () => {
    const root = await start();
    exchange(root, { principal: 'spiffe://td/ns/n/sa/a\nother;other;other\nk8s.namespace.name=n,service.name=x' });
    expect(series()[0]).toMatchObject({ destination_service_name: 'reviews', source_app: 'unknown' });
    expect(series()[0]?.['source_principal']).toContain('%0Aother%3Bother');
  });

  it('a request that outlived its place in the ring is asked about, and counted alike', async () => {
    const root = await start();
    const options = { headers: [[':path', '/'] as const, ['content-type', 'application/grpc'] as const] };
    const slow = root.request({ ...options, endOfStream: true });
    for (let i = 0; i < 4096; i++) exchange(root, {});
    slow.response({ headers: [[':status', '200']] });
    slow.end({ 'request.duration': 1_500_000_000, 'request.total_size': 99 });
    const found = vm.metrics.names('counter').find((name) => labels(name)['request_protocol'] === 'grpc') ?? '';
    const values = (metric: string) => vm.metrics.histogram(found.replace('istio_requests_total', metric));
    expect(values('istio_request_duration_milliseconds')).toEqual([1500]);
    expect(values('istio_request_bytes')).toEqual([99]);
  });

  it('requests that differ in one thing alone are different series, however often they alternate', async () => {
    const root = await start();
    const all: Exchange[] = [
      { principal: PRODUCTPAGE, baggage: BAGGAGE, workload: WORKLOAD },
      { principal: PRODUCTPAGE, baggage: BAGGAGE, workload: WORKLOAD, service: 'reviews.x.svc;reviews;x' },
      { principal: PRODUCTPAGE, baggage: BAGGAGE.replace('version=v1', 'version=v2'), workload: WORKLOAD },
      { principal: PRODUCTPAGE, baggage: BAGGAGE, workload: WORKLOAD.replace('v3;Kubernetes', 'v4;Kubernetes') },
      { principal: PRODUCTPAGE, baggage: BAGGAGE, workload: WORKLOAD, status: '201' },
      { principal: PRODUCTPAGE, baggage: BAGGAGE, workload: WORKLOAD, properties: { 'response.flags': 4 } },
      { principal: PRODUCTPAGE, baggage: BAGGAGE, workload: WORKLOAD, contentType: 'application/grpc' },
      ...[0, 7].map((status) => ({
        principal: PRODUCTPAGE,
        baggage: BAGGAGE,
        workload: WORKLOAD,
        contentType: 'application/grpc+proto',
        properties: { 'response.grpc_status': status },
      })),
      // Too long to be remembered as it is.
      { principal: PRODUCTPAGE, baggage: `${BAGGAGE},x=${'y'.repeat(600)},service.version=v9`, workload: WORKLOAD },
      { principal: PRODUCTPAGE, baggage: `${BAGGAGE},x=${'y'.repeat(600)},service.version=v8`, workload: WORKLOAD },
    ];
    for (let round = 0; round < 3; round++) for (const each of all) exchange(root, each);
    const counts = vm.metrics.names('counter').filter((name) => name.startsWith('istio_'));
    expect(counts.map((name) => vm.metrics.counter(name))).toEqual(all.map(() => 3));
  });

  it('counts a request that another filter answers', async () => {
    const root = await start();
    const stream = root.request({
      headers: [
        [':method', 'GET'],
        [':path', '/'],
      ],
    });
    stream.response({ headers: [[':status', '403']] });
    stream.end();
    expect(series()[0]).toMatchObject({ response_code: '403' });
  });

  it.each([
    ['application/grpc', 'grpc'],
    ['application/grpc+proto', 'grpc'],
    ['application/grpc-web', 'http'],
    ['application/json', 'http'],
  ])('content type %s is %s', async (contentType, protocol) => {
    const root = await start();
    exchange(root, { contentType, body: true, properties: { 'response.grpc_status': 7 } });
    expect(series()[0]).toMatchObject({
      request_protocol: protocol,
      grpc_response_status: protocol === 'grpc' ? '7' : '',
    });
  });

  it('the namespace is the proven one; baggage of another namespace is not believed', async () => {
    const root = await start();
    exchange(root, { principal: 'spiffe://cluster.local/ns/evil/sa/x', baggage: BAGGAGE });
    exchange(root, { principal: PRODUCTPAGE });
    exchange(root, { baggage: BAGGAGE });
    exchange(root, {
      principal: PRODUCTPAGE,
      baggage: ' service.name=a ;p=1 , k8s.namespace.name=bookinfo,k8s.job.name=j,,x,=',
    });
    const sources = series().map((each) => [
      each['source_workload_namespace'],
      each['source_workload'],
      each['source_app'],
    ]);
    expect(sources).toEqual(
      expect.arrayContaining([
        ['evil', 'unknown', 'unknown'],
        ['bookinfo', 'unknown', 'unknown'],
        ['bookinfo', 'productpage-v1', 'productpage'],
        ['bookinfo', 'j', 'a'],
      ]),
    );
  });

  it('no value breaks a name or forges a label', async () => {
    const root = await start();
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.stringMatching(/^[;.,=%"\\ a\n]{0,20}$/),
      fc.constantFrom(';.waypoint;', 'a;.b;.c', 'x'.repeat(3000), '%3B', '"} 1\n', '.'),
    );
    fc.assert(
      fc.property(hostile, hostile, hostile, (principal, app, workload) => {
        const before = new Set(vm.metrics.names('counter'));
        // A line feed is no part of a header's value, which HTTP's codecs see to.
        const baggage = `k8s.namespace.name=n,service.name=${app.replaceAll('\n', '')}`;
        exchange(root, { principal, baggage, workload });
        for (const name of vm.metrics
          .names('counter')
          .filter((each) => !before.has(each) && each.startsWith('istio_'))) {
          expect(name).toMatch(/^[!-~]+$/);
          const found = labels(name);
          expect(Object.keys(found)).toHaveLength(26);
          expect(found).toMatchObject({
            __name__: 'istio_requests_total',
            reporter: 'waypoint',
            destination_service: 'reviews.bookinfo.svc.cluster.local',
            response_code: '200',
            response_flags: '-',
          });
          expect(found['source_principal']).toBe(escaped(principal));
        }
        expect(vm.traps).toBe(0);
      }),
      runs(200),
    );
  });

  it('keeps as many series as its program allows, and counts the rest in one', async () => {
    const root = await start(withLimit(20));
    for (let i = 0; i < 50; i++) exchange(root, { principal: `spiffe://cluster.local/ns/n/sa/s${i}` });
    for (let i = 0; i < 50; i++) exchange(root, { principal: `spiffe://cluster.local/ns/n/sa/s${i}` });
    expect(series()).toHaveLength(21);
    expect(vm.metrics.counter('portolan_metrics_overflow_total')).toBe(60);
    const rest = vm.metrics.names('counter').find((name) => labels(name)['destination_service'] === 'unknown') ?? '';
    expect(vm.metrics.counter(rest)).toBe(60);
    expect(labels(rest)).toMatchObject({ reporter: 'waypoint', source_principal: 'unknown', response_code: 'unknown' });
  });

  it('many series of several services keep apart, and a replaced program finds its own again', async () => {
    let root = await start();
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 400; i++) {
        exchange(root, { principal: `spiffe://td/ns/n/sa/${i}` });
        exchange(root, { principal: `spiffe://td/ns/n/sa/${i}`, service: 'ratings.x.svc;ratings;x' });
      }
      root = root.replace(PROGRAM);
    }
    const names = vm.metrics.names('counter').filter((name) => name.startsWith('istio_'));
    expect(names).toHaveLength(800);
    expect(names.every((name) => vm.metrics.counter(name) === 3)).toBe(true);
  });

  it('allocates nothing for series that it knows', async () => {
    const root = await start();
    for (let i = 0; i < 1000; i++) exchange(root, { principal: PRODUCTPAGE, baggage: BAGGAGE, workload: WORKLOAD });
    const before = vm.memorySize;
    for (let i = 0; i < 10_000; i++) exchange(root, { principal: PRODUCTPAGE, baggage: BAGGAGE, workload: WORKLOAD });
    expect(vm.memorySize).toBe(before);
  });

  it('no program, however broken, traps, hangs, or is half accepted', async () => {
    const root = await start();
    fc.assert(
      fc.property(mutation(PROGRAM), (broken) => {
        try {
          exchange(root.replace(broken), { principal: PRODUCTPAGE });
          root.replace(PROGRAM);
        } catch (error) {
          if (!(error instanceof ConfigurationRefused)) throw error;
          expect(error.message).toContain('program refused: ');
        }
        expect(vm.traps).toBe(0);
      }),
      runs(300),
    );
  });
});

/** A value as a label shows it: its UTF-8 bytes, cut off, then escaped. */
function escaped(value: string): string {
  if (value === '') return 'unknown';
  return [...new TextEncoder().encode(value).subarray(0, 255)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[!-~]/.test(character) && !/[;%"\\]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}
