import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { beforeEach, expect, it } from 'vitest';
import { CLUSTER, ENDPOINTS, EXTENSION, LISTENER, ROUTES } from '#envoy/resource.ts';
import { DeltaDiscoveryRequestSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.ts';
import type { XdsEvent } from './event.ts';
import { BYTES, NODE, world } from './fixture.ts';
import { LIMITS } from './limits.ts';
import { Refusal } from './refusal.ts';
import { Stream, type Outgoing } from './stream.ts';

let stream: Stream;
let events: XdsEvent[];
let now: number;

beforeEach(() => {
  events = [];
  now = 0;
  stream = new Stream('delta', NODE, LIMITS, (event) => events.push(event));
});

const ask = (typeUrl: string, fields: MessageInitShape<typeof DeltaDiscoveryRequestSchema> = {}): void =>
  stream.receiveDelta(create(DeltaDiscoveryRequestSchema, { typeUrl, ...fields }), now);

/** The next response as text, `+a1 -b`; undefined when there is none. */
function sent(typeUrl?: string): string | undefined {
  const next = stream.next(now);
  if ('retryAt' in next) return undefined;
  last = next;
  if (typeUrl !== undefined) expect(next.typeUrl).toBe(typeUrl);
  return [
    ...next.changes.map(({ name, version }) => `+${name}${version}`),
    ...next.removed.map((name) => `-${name}`),
  ].join(' ');
}
let last: Outgoing;

const ack = ({ typeUrl, nonce }: Outgoing = last): void => ask(typeUrl, { responseNonce: nonce });
const nack = (message: string, { typeUrl, nonce }: Outgoing = last): void =>
  ask(typeUrl, { responseNonce: nonce, errorDetail: { code: 3, message } });

it('sends nothing before there is a snapshot, and then what is wanted', () => {
  ask(CLUSTER);
  expect(sent()).toBeUndefined();
  stream.replace(world({ [CLUSTER]: 'a1' }));
  expect(sent(CLUSTER)).toBe('+a1');
});

it('answers a wildcard even with nothing, once', () => {
  stream.replace(world({}));
  ask(LISTENER);
  expect(sent(LISTENER)).toBe('');
  ack();
  expect(sent()).toBeUndefined();
});

it('takes no names for a wildcard in listeners and clusters alone', () => {
  stream.replace(world({ [ROUTES]: 'r1', [LISTENER]: 'l1' }));
  ask(ROUTES);
  expect(sent()).toBeUndefined();
  ask(ROUTES, { resourceNamesSubscribe: ['*'] });
  expect(sent(ROUTES)).toBe('+r1');
});

it('sends only what changed, and nothing when nothing did', () => {
  stream.replace(world({ [CLUSTER]: 'a1 b1' }));
  ask(CLUSTER);
  sent();
  ack();
  stream.replace(world({ [CLUSTER]: 'a1 b1' }));
  expect(sent()).toBeUndefined();
  stream.replace(world({ [CLUSTER]: 'a1 b2' }));
  expect(sent(CLUSTER)).toBe('+b2');
});

it('sends nothing to a client that comes again with the same versions, and the difference to others', () => {
  stream.replace(world({ [CLUSTER]: 'a1 b1', [ROUTES]: 'r1 s1' }));
  ask(CLUSTER, { initialResourceVersions: { a: '1', b: '1' } });
  ask(ROUTES, { resourceNamesSubscribe: ['r', 's'], initialResourceVersions: { r: '1', s: '0' } });
  expect(sent(ROUTES)).toBe('+s1');
  ack();
  stream = new Stream('delta', NODE, LIMITS, () => {});
  stream.replace(world({ [CLUSTER]: 'b1' }));
  ask(CLUSTER, { initialResourceVersions: { a: '1', b: '1', __proto__x: '1' } });
  expect(sent(CLUSTER)).toBe('-a -__proto__x');
});

it('has one response of a type under way, and then sends the newest state', () => {
  stream.replace(world({ [CLUSTER]: 'a1' }));
  ask(CLUSTER);
  expect(sent()).toBe('+a1');
  for (const version of ['2', '3', '4']) {
    stream.replace(world({ [CLUSTER]: `a${version}` }));
    expect(sent()).toBeUndefined();
  }
  ack();
  expect(sent()).toBe('+a4');
});

it('ignores an old nonce', () => {
  stream.replace(world({ [CLUSTER]: 'a1' }));
  ask(CLUSTER);
  sent();
  ask(CLUSTER, { responseNonce: '999' });
  ask(CLUSTER, { responseNonce: '', errorDetail: { message: 'stray' } });
  stream.replace(world({ [CLUSTER]: 'a2' }));
  expect(sent()).toBeUndefined();
  expect(events).toEqual([]);
});

it('takes a subscription and an acknowledgement in one message', () => {
  stream.replace(world({ [ROUTES]: 'r1 s1' }));
  ask(ROUTES, { resourceNamesSubscribe: ['r'] });
  expect(sent()).toBe('+r1');
  ask(ROUTES, { responseNonce: last.nonce, resourceNamesSubscribe: ['s'], resourceNamesUnsubscribe: ['r'] });
  expect(sent()).toBe('+s1');
  ack();
  stream.replace(world({ [ROUTES]: 'r2 s1' }));
  expect(sent()).toBeUndefined();
});

it('sends again what is subscribed to again', () => {
  stream.replace(world({ [ROUTES]: 'r1' }));
  ask(ROUTES, { resourceNamesSubscribe: ['r'] });
  sent();
  ack();
  ask(ROUTES, { resourceNamesSubscribe: ['r'] });
  expect(sent()).toBe('+r1');
  // Also while it is under way: the client may have dropped it before it came.
  ask(ROUTES, { resourceNamesUnsubscribe: ['r'] });
  ask(ROUTES, { resourceNamesSubscribe: ['r'] });
  ack();
  expect(sent()).toBe('+r1');
});

it('answers a name that does not exist when it appears', () => {
  stream.replace(world({}));
  ask(ROUTES, { resourceNamesSubscribe: ['r'] });
  expect(sent()).toBeUndefined();
  expect(stream.status().types).toEqual([{ typeUrl: ROUTES, inSync: 0, pending: 0, nacked: 0, missing: ['r'] }]);
  stream.replace(world({ [ROUTES]: 'r1' }));
  expect(sent()).toBe('+r1');
});

it('leaves a name that is gone to the client that holds it, and sends it again when it changed', () => {
  stream.replace(world({ [ROUTES]: 'r1' }));
  ask(ROUTES, { resourceNamesSubscribe: ['r'] });
  sent();
  ack();
  stream.replace(world({}));
  expect(sent()).toBeUndefined();
  stream.replace(world({ [ROUTES]: 'r1' }));
  expect(sent()).toBeUndefined();
  stream.replace(world({ [ROUTES]: 'r2' }));
  expect(sent()).toBe('+r2');
});

it('tells a wildcard client that drops a name whether that is still there', () => {
  stream.replace(world({ [CLUSTER]: 'a1' }));
  ask(CLUSTER, { resourceNamesSubscribe: ['*', 'a', 'x'] });
  expect(sent()).toBe('+a1');
  ack();
  ask(CLUSTER, { resourceNamesUnsubscribe: ['a', 'x'] });
  expect(sent()).toBe('+a1');
  ack();
  expect(sent()).toBe('-x');
});

it('makes before it breaks', () => {
  stream.replace(world({ [CLUSTER]: 'a1', [ENDPOINTS]: 'a1', [LISTENER]: 'l1', [ROUTES]: 'r1', [EXTENSION]: 'p1' }));
  ask(CLUSTER);
  ask(ENDPOINTS, { resourceNamesSubscribe: ['a'] });
  ask(LISTENER);
  ask(ROUTES, { resourceNamesSubscribe: ['r'] });
  ask(EXTENSION, { resourceNamesSubscribe: ['p'] });
  for (const type of [EXTENSION, CLUSTER, ENDPOINTS]) {
    sent(type);
    ack();
  }
  for (const type of [LISTENER, ROUTES]) {
    sent(type);
    ack();
  }
  stream.replace(world({ [CLUSTER]: 'b1', [ENDPOINTS]: 'b1', [LISTENER]: 'm1', [ROUTES]: 'r2', [EXTENSION]: 'p2' }));
  expect(sent(EXTENSION)).toBe('+p2');
  expect(sent(CLUSTER)).toBe('+b1');
  const clusters = last;
  // Envoy acknowledges clusters when they are warm, and they warm by their endpoints.
  ask(ENDPOINTS, { resourceNamesSubscribe: ['b'] });
  expect(sent(ENDPOINTS)).toBe('+b1');
  const endpoints = last;
  expect(sent()).toBeUndefined();
  ack(clusters);
  expect(sent()).toBeUndefined();
  ack(endpoints);
  expect(sent(LISTENER)).toBe('+m1');
  expect(sent()).toBeUndefined();
  ack();
  expect(sent(ROUTES)).toBe('+r2');
  expect(sent()).toBeUndefined();
  ack();
  expect(sent(LISTENER)).toBe('-l');
  expect(sent()).toBeUndefined();
  ack();
  expect(sent(CLUSTER)).toBe('-a');
});

it('is not held up for good by a type that is never acknowledged', () => {
  stream.replace(world({ [CLUSTER]: 'a1', [LISTENER]: 'l1' }));
  ask(CLUSTER);
  ask(LISTENER);
  expect(sent(CLUSTER)).toBe('+a1');
  const pause = stream.next(now);
  expect(pause).toEqual({ retryAt: 2_000 });
  now = 2_000;
  expect(sent(LISTENER)).toBe('+l1');
});

it('sends the endpoints of a changed cluster again', () => {
  stream.replace(world({ [CLUSTER]: 'a1', [ENDPOINTS]: 'a1' }));
  ask(CLUSTER);
  ask(ENDPOINTS, { resourceNamesSubscribe: ['a'] });
  expect(sent(CLUSTER)).toBe('+a1');
  ack();
  expect(sent(ENDPOINTS)).toBe('+a1');
  const before = last;
  // The cluster changes while its endpoints are under way: those are the old cluster's.
  stream.replace(world({ [CLUSTER]: 'a2', [ENDPOINTS]: 'a1' }));
  expect(sent(CLUSTER)).toBe('+a2');
  ack(before);
  expect(sent(ENDPOINTS)).toBe('+a1');
});

it('does not send a refused version again, but the next one', () => {
  stream.replace(world({ [LISTENER]: 'a1' }));
  ask(LISTENER);
  sent();
  ack();
  stream.replace(world({ [LISTENER]: 'a2' }));
  sent();
  nack('goo.gle/debugonly secret\n: no such filter');
  expect(events.at(-1)).toEqual({
    kind: 'nack',
    node: 'waypoint~bookinfo/waypoint~1',
    typeUrl: LISTENER,
    name: 'a',
    version: '2',
    reason: 'no such filter',
  });
  expect(stream.status().types[0]).toEqual({ typeUrl: LISTENER, inSync: 0, pending: 0, nacked: 1, missing: [] });
  expect(stream.status().nacks).toHaveLength(1);
  stream.replace(world({ [LISTENER]: 'a2' }));
  expect(sent()).toBeUndefined();
  // Back to what the client holds: nothing to say, and nothing refused any more.
  stream.replace(world({ [LISTENER]: 'a1' }));
  expect(sent()).toBeUndefined();
  expect(stream.status().nacks).toEqual([]);
  stream.replace(world({ [LISTENER]: 'a3' }));
  expect(sent()).toBe('+a3');
});

it('sends those again that a refusal does not blame', () => {
  stream.replace(world({ [LISTENER]: 'a1 b1 c1' }));
  ask(LISTENER);
  sent();
  nack('Error adding/updating listener(s) b: port is taken');
  expect(events.map((event) => event.kind === 'nack' && `${event.name} ${event.reason}`)).toEqual(['b port is taken']);
  expect(sent()).toBe('+a1 +c1');
  ack();
  expect(sent()).toBeUndefined();
});

it('halves a response that is refused without a name until the bad one is alone', () => {
  stream.replace(world({ [ROUTES]: 'a1 b1 c1 d1' }));
  ask(ROUTES, { resourceNamesSubscribe: ['a', 'b', 'c', 'd'] });
  const log: string[] = [];
  for (let response = sent(); response !== undefined; response = sent()) {
    log.push(response);
    if (response.includes('c1')) nack('bad regex');
    else ack();
  }
  expect(log).toEqual(['+a1 +b1 +c1 +d1', '+a1 +b1', '+c1 +d1', '+c1', '+d1']);
  expect(stream.status().types[0]).toMatchObject({ inSync: 3, nacked: 1, pending: 0 });
});

it('slows down for a client that refuses everything, and others of its types are served', () => {
  ask(ROUTES, { resourceNamesSubscribe: ['r'] });
  ask(EXTENSION, { resourceNamesSubscribe: ['p'] });
  let refused = 0;
  for (let version = 0; version < 60; version++) {
    stream.replace(
      new Map([[ROUTES, new Map([['r', { typeUrl: ROUTES, name: 'r', version: `${version}`, value: BYTES }]])]]),
    );
    if (sent() === undefined) break;
    nack('no');
    refused++;
  }
  expect(refused).toBeLessThan(40);
  expect(stream.next(now)).toEqual({ retryAt: expect.any(Number) as number });
  stream.replace(world({ [ROUTES]: 'r1', [EXTENSION]: 'p1' }));
  expect(sent(EXTENSION)).toBe('+p1');
  now += 30_000;
  expect(sent(ROUTES)).toBe('+r1');
});

it('splits what was asked for by name into responses of bounded size', () => {
  stream = new Stream('delta', NODE, { ...LIMITS, responseBytes: 7 }, () => {});
  stream.replace(world({ [ROUTES]: 'a1 b1 c1', [CLUSTER]: 'a1 b1 c1' }));
  ask(ROUTES, { resourceNamesSubscribe: ['a', 'b', 'c'] });
  expect(sent()).toBe('+a1 +b1');
  ack();
  expect(sent()).toBe('+c1');
  ask(CLUSTER);
  expect(sent(CLUSTER)).toBe('+a1 +b1 +c1');
});

it.each([
  ['many names', { names: 2 }, { resourceNamesSubscribe: ['a', 'b', 'c'] }],
  ['a long name', { nameLength: 3 }, { resourceNamesSubscribe: ['abcd'] }],
  ['many types', { types: 0 }, {}],
])('refuses too %s', (_, limits, request) => {
  stream = new Stream('delta', NODE, { ...LIMITS, ...limits }, () => {});
  expect(() => ask(ROUTES, request)).toThrow(Refusal);
});
