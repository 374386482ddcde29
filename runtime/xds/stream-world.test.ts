import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { CLUSTER, LISTENER, ROUTES } from '#envoy/resource.ts';
import { DiscoveryRequestSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.ts';
import { NODE, world } from './fixture.ts';
import { LIMITS } from './limits.ts';
import { Stream, type Outgoing } from './stream.ts';

let stream: Stream;
let last: Outgoing;

const askWorld = (typeUrl: string, fields: MessageInitShape<typeof DiscoveryRequestSchema> = {}): void =>
  stream.receiveWorld(create(DiscoveryRequestSchema, { typeUrl, ...fields }), 0);

/** What changes by the next response, `+a1`; undefined when there is none. */
function sent(typeUrl?: string): string | undefined {
  const next = stream.next(0);
  if ('retryAt' in next) return undefined;
  last = next;
  if (typeUrl !== undefined) expect(next.typeUrl).toBe(typeUrl);
  return next.changes.map(({ name, version }) => `+${name}${version}`).join(' ');
}

it('serves the state of the world: all of a wildcard type, the changed ones of others', () => {
  stream = new Stream('world', NODE, LIMITS, () => {});
  const answer = (error?: string) =>
    askWorld(last.typeUrl, {
      responseNonce: last.nonce,
      resourceNames: last.typeUrl === ROUTES ? ['r', 's'] : [],
      ...(error === undefined ? {} : { errorDetail: { message: error } }),
    });
  const whole = () => last.world.map(({ name, version }) => `${name}${version}`).join(' ');
  stream.replace(world({ [LISTENER]: 'a1 b1', [ROUTES]: 'r1 s1' }));
  askWorld(LISTENER);
  askWorld(ROUTES, { resourceNames: ['r', 's'] });
  sent(LISTENER);
  expect(whole()).toBe('a1 b1');
  answer();
  sent(ROUTES);
  expect(whole()).toBe('r1 s1');
  answer();
  stream.replace(world({ [LISTENER]: 'a2 c1', [ROUTES]: 'r2 s1' }));
  // b goes when everything new is in force, in a response of its own.
  sent(LISTENER);
  expect(whole()).toBe('a2 b1 c1');
  answer('Error adding/updating listener(s) a: no');
  // The refused one is replaced by what was accepted before: leaving it out would remove that.
  sent(LISTENER);
  expect(whole()).toBe('a1 b1 c1');
  answer();
  sent(ROUTES);
  expect(whole()).toBe('r2');
  answer();
  sent(LISTENER);
  expect(whole()).toBe('a1 c1');
});

it('sends no state of the world to a client that comes again with it', () => {
  const open = () => {
    stream = new Stream('world', NODE, LIMITS, () => {});
    stream.replace(world({ [CLUSTER]: 'a1 b1', [ROUTES]: 'r1 s1 t1' }));
  };
  open();
  askWorld(CLUSTER);
  askWorld(ROUTES, { resourceNames: ['r', 's'] });
  const versions: Record<string, string> = {};
  for (let response = sent(); response !== undefined; response = sent()) {
    versions[last.typeUrl] = last.version;
    askWorld(last.typeUrl, { responseNonce: last.nonce, resourceNames: last.typeUrl === ROUTES ? ['r', 's'] : [] });
  }
  open();
  askWorld(CLUSTER, { versionInfo: versions[CLUSTER] ?? '' });
  askWorld(ROUTES, { resourceNames: ['s', 'r'], versionInfo: versions[ROUTES] ?? '' });
  expect(sent()).toBeUndefined();
  open();
  askWorld(ROUTES, { resourceNames: ['r', 's', 't'], versionInfo: versions[ROUTES] ?? '' });
  expect(sent()).toBe('+r1 +s1 +t1');
});
