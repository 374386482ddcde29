import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileMetrics } from '#policy/metrics/compile.ts';
import { STATS_TAGS } from '#policy/metrics/tags.ts';
import { FeatureWorld } from './feature-world.ts';
import { sleep } from './real-envoy.ts';

const PRODUCTPAGE = 'spiffe://cluster.local/ns/bookinfo/sa/bookinfo-productpage';
const REVIEWS = 'spiffe://cluster.local/ns/bookinfo/sa/bookinfo-reviews';
const CALLER = {
  'x-principal': PRODUCTPAGE,
  'x-baggage':
    'k8s.cluster.name=Kubernetes,k8s.namespace.name=bookinfo,k8s.deployment.name=productpage-v1,service.name=productpage,service.version=v1',
};

const LABELS =
  'reporter="waypoint",source_workload="productpage-v1",source_canonical_service="productpage",' +
  'source_canonical_revision="v1",source_workload_namespace="bookinfo",' +
  `source_principal="${PRODUCTPAGE}",source_app="productpage",source_version="v1",source_cluster="Kubernetes",` +
  'destination_workload="reviews-v1",destination_workload_namespace="bookinfo",' +
  `destination_principal="${REVIEWS}",destination_app="reviews",destination_version="v1",` +
  'destination_service="reviews.bookinfo.svc.cluster.local",destination_canonical_service="reviews",' +
  'destination_canonical_revision="v1",destination_service_name="reviews",' +
  'destination_service_namespace="bookinfo",destination_cluster="Kubernetes",request_protocol="http",' +
  'response_code="200",grpc_response_status="",response_flags="-",connection_security_policy="mutual_tls"';

describe('metrics in Envoy', () => {
  let world: FeatureWorld;

  beforeAll(async () => {
    world = await FeatureWorld.start({
      feature: 'metrics',
      program: compileMetrics(),
      always: true,
      clusters: ['v1'],
      silent: ['silent'],
      metadata: { v1: { workload: `reviews-v1;bookinfo;reviews;v1;Kubernetes;${REVIEWS}` } },
      statsTags: STATS_TAGS,
      routes: [
        { name: 'direct', prefix: '/direct', action: { direct_response: { status: 404 } } },
        { name: 'nowhere', prefix: '/nowhere', action: { route: { cluster: 'nowhere' } } },
        { name: 'silent', prefix: '/silent', action: { route: { cluster: 'silent' } } },
        { name: 'all', prefix: '/', action: { route: { cluster: 'v1' } } },
      ],
    });
  });

  afterAll(() => world?.stop());

  const scrape = (filter: string): Promise<string> => world.envoy.admin(`/stats/prometheus?filter=${filter}`);

  /** The lines of one metric with the label. */
  const lines = async (metric: string, label: string): Promise<string[]> =>
    (await scrape(metric)).split('\n').filter((line) => line.startsWith(`${metric}{`) && line.includes(label));

  it("shows Istio's labels as real labels, in Istio's order", async () => {
    for (let i = 0; i < 3; i++) expect((await world.get('/', CALLER)).status).toBe(200);
    expect(await scrape('istio_requests_total')).toContain(`istio_requests_total{${LABELS}} 3\n`);
    expect(await scrape('istio_requests_total')).toContain('# TYPE istio_requests_total counter\n');
  });

  it('shows histograms with their buckets, and durations and sizes that are true', async () => {
    const answer = await world.get('/', { ...CALLER, 'x-filler': 'x'.repeat(3000) }, 'y'.repeat(5000));
    expect(answer.status).toBe(200);
    // Envoy merges histograms every 5 s.
    for (let i = 0; i < 60 && !(await scrape('istio_request_bytes')).includes(`_count{${LABELS}} 4`); i++)
      await sleep(200);
    const bytes = await scrape('istio_request_bytes');
    expect(bytes).toContain(`istio_request_bytes_count{${LABELS}} 4\n`);
    expect(bytes).toContain(`istio_request_bytes_bucket{${LABELS},le="10000"} 4\n`);
    expect(bytes).toContain(`istio_request_bytes_bucket{${LABELS},le="5000"} 3\n`);
    const duration = await scrape('istio_request_duration_milliseconds');
    expect(duration).toContain('# TYPE istio_request_duration_milliseconds histogram\n');
    expect(duration).toContain(`istio_request_duration_milliseconds_bucket{${LABELS},le="1000"} 4\n`);
    expect(await scrape('istio_response_bytes')).toContain(`istio_response_bytes_bucket{${LABELS},le="500"} 4\n`);
  });

  it('counts what Envoy answers by itself, with its flags', async () => {
    await world.get('/nowhere', CALLER);
    await world.get('/direct', CALLER);
    const [nowhere = ''] = await lines('istio_requests_total', 'response_code="503"');
    expect(nowhere).toContain('response_flags="NC"');
    expect(nowhere).toContain('destination_workload="unknown"');
    expect(await lines('istio_requests_total', 'response_code="404"')).toHaveLength(1);
  });

  it('counts a client that goes away', async () => {
    const abandon = new AbortController();
    setTimeout(() => abandon.abort(), 100);
    await fetch(`http://127.0.0.1:${world.port}/silent`, { signal: abandon.signal }).catch(() => 'gone');
    await sleep(100);
    const [gone = ''] = await lines('istio_requests_total', 'response_flags="DC"');
    expect(gone).toContain('response_code="0"');
    expect(gone).toMatch(/\} 1$/);
  });

  it('counts a request that Envoy refuses before any filter sees it', async () => {
    const socket = connect(world.port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nconnection: close\r\n\r\n');
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString())).on('close', () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    const [refused = ''] = await lines('istio_requests_total', 'response_code="400"');
    expect(refused).toContain('source_principal="unknown"');
  });

  it('hostile values are values', async () => {
    const baggage = 'k8s.namespace.name=n,service.name=a;.waypoint;.b,k8s.pod.name="}\\ 1';
    await world.get('/', { 'x-principal': 'x;.evil;.y%3B"', 'x-baggage': baggage });
    const [line = ''] = await lines('istio_requests_total', 'source_principal="x%3B.evil%3B.y%253B%22"');
    expect(line).toContain('reporter="waypoint",source_workload="%22}%5C%201",source_canonical_service="a"');
    expect(line).toMatch(/\} 1$/);
  });

  it('a replaced program goes on with the same series', async () => {
    const count = async (): Promise<number> =>
      Number((await lines('istio_requests_total', LABELS))[0]?.split(' ').at(-1) ?? 0);
    const before = await count();
    expect(await world.replace(compileMetrics(), 2)).toBe('accepted');
    for (let i = 0; i < 5; i++) await world.get('/', CALLER);
    expect(await count()).toBe(before + 5);
    expect(world.envoy.log).not.toContain('Wasm VM failed');
  });
});
