import { expect, it } from 'vitest';
import { parseNodeId } from './node.ts';

it('reads the parts of a node id', () => {
  expect(parseNodeId('waypoint~bookinfo/waypoint~a1b2.local:15008')).toEqual({
    id: 'waypoint~bookinfo/waypoint~a1b2.local:15008',
    namespace: 'bookinfo',
    name: 'waypoint',
    instance: 'a1b2.local:15008',
    key: 'bookinfo/waypoint',
  });
});

it.each([
  '',
  'waypoint',
  'waypoint~bookinfo/waypoint',
  'waypoint~bookinfo/waypoint~',
  'waypoint~../etc/passwd~1',
  'waypoint~bookinfo/../other~1',
  'waypoint~__proto__/waypoint~1',
  'waypoint~bookinfo/waypoint~1\n',
  'waypoint~bookinfo/waypoint~a b',
  'ztunnel~bookinfo/waypoint~1',
  `waypoint~${'a'.repeat(300)}/waypoint~1`,
  `waypoint~bookinfo/waypoint~${'1'.repeat(1 << 20)}`,
])('refuses what is no node id: %.60s', (id) => {
  const result = parseNodeId(id);
  expect(result).toHaveProperty('problem');
  if ('problem' in result) {
    expect(result.problem).toMatch(/^expected a node id waypoint~<namespace>\/<name>~<instance>, came /);
    expect(result.problem.length).toBeLessThan(200);
    expect(result.problem).not.toContain('\n');
  }
});
