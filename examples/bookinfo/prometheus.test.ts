import { expect, it } from 'vitest';
import { samples } from './prometheus.ts';

it('reads the samples of one metric, labels with marks in them too', () => {
  const text = `# TYPE istio_requests_total counter
istio_requests_total{reporter="waypoint",path="a\\"}b\\\\",code="200"} 3
istio_requests_total_other{reporter="x"} 4
istio_requests_total{} 5 1700000000000
`;
  expect(samples(text, 'istio_requests_total')).toEqual([
    { labels: { reporter: 'waypoint', path: 'a"}b\\', code: '200' }, value: 3 },
    { labels: {}, value: 5 },
  ]);
});
