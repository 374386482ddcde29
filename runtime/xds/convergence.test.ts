import { create } from '@bufbuild/protobuf';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  CLUSTER,
  ENDPOINTS,
  EXTENSION,
  LISTENER,
  ROUTES,
  type XdsResource,
  type XdsSnapshot,
} from '#envoy/resource.ts';
import { DeltaDiscoveryRequestSchema, DiscoveryRequestSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.ts';
import type { Protocol } from './event.ts';
import { NODE } from './fixture.ts';
import { LIMITS } from './limits.ts';
import { isWildcardType } from './order.ts';
import { Stream, type Outgoing } from './stream.ts';

// Random histories of a stream against a model of Envoy. The model judges only by what it sees: what it asked for, what
// it was sent, and which versions it refuses (those that begin with `x`).

const TYPES = [CLUSTER, ENDPOINTS, LISTENER, ROUTES, EXTENSION];
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];

interface Reply {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly error?: string;
}

/** What the model knows of one type. */
class Type {
  names = new Set<string>();
  held = new Map<string, string>();
  /** The server has reason to send these again: asked for anew, of a refused response, or of a changed cluster. */
  readonly renewed = new Set<string>();
  worldVersion = '';
  asked = false;
}

class Envoy {
  readonly protocol: Protocol;
  readonly types = new Map(TYPES.map((type) => [type, new Type()]));
  stream!: Stream;
  replies: Reply[] = [];
  now = 0;
  /** Types with an unanswered response: never more than one each. */
  underWay = new Set<string>();
  received = 0;
  snapshot: XdsSnapshot = new Map();

  constructor(protocol: Protocol) {
    this.protocol = protocol;
    this.connect();
  }

  type(typeUrl: string): Type {
    const type = this.types.get(typeUrl);
    if (type === undefined) throw new Error(typeUrl);
    return type;
  }

  wants(typeUrl: string, name: string): boolean {
    return isWildcardType(typeUrl) || this.type(typeUrl).names.has(name);
  }

  /** A new stream, on which everything is asked for again with what is held. */
  connect(): void {
    this.stream = new Stream(this.protocol, NODE, { ...LIMITS, responseBytes: 5 }, () => {});
    this.stream.replace(this.snapshot);
    this.replies = [];
    this.underWay.clear();
    for (const [typeUrl, type] of this.types) {
      type.renewed.clear();
      if (type.asked && (isWildcardType(typeUrl) || type.names.size > 0)) this.ask(typeUrl, [...type.names], [], true);
    }
  }

  ask(typeUrl: string, subscribe: readonly string[], unsubscribe: readonly string[], isFirst = false): void {
    const type = this.type(typeUrl);
    const initial = isFirst || !type.asked;
    type.asked = true;
    for (const name of unsubscribe) {
      type.names.delete(name);
      if (!isWildcardType(typeUrl)) type.held.delete(name);
    }
    for (const name of subscribe) {
      type.names.add(name);
      if (!initial) type.renewed.add(name);
    }
    if (this.protocol === 'world') {
      const fields = { typeUrl, resourceNames: [...type.names], versionInfo: initial ? type.worldVersion : '' };
      return this.stream.receiveWorld(create(DiscoveryRequestSchema, fields), this.now);
    }
    const initialResourceVersions = initial ? Object.fromEntries(type.held) : {};
    this.stream.receiveDelta(
      create(DeltaDiscoveryRequestSchema, {
        typeUrl,
        resourceNamesSubscribe: [...subscribe],
        resourceNamesUnsubscribe: [...unsubscribe],
        initialResourceVersions,
      }),
      this.now,
    );
  }

  /** Takes one response, if there is one; the reply waits until `reply`. */
  receive(): boolean {
    const next = this.stream.next(this.now);
    if ('retryAt' in next) return false;
    this.received++;
    expect(this.underWay).not.toContain(next.typeUrl);
    this.underWay.add(next.typeUrl);
    if (this.protocol === 'world') this.takeWorld(next);
    else this.takeDelta(next);
    return true;
  }

  takeDelta({ typeUrl, nonce, changes, removed }: Outgoing): void {
    const type = this.type(typeUrl);
    for (const { name, version } of changes) {
      // The one promise about traffic: nobody is sent what he holds.
      if (!type.renewed.delete(name)) expect(type.held.get(name), `${name} again`).not.toBe(version);
    }
    for (const name of removed) if (this.wants(typeUrl, name)) type.held.delete(name);
    this.apply(typeUrl, nonce, changes);
  }

  takeWorld({ typeUrl, nonce, world, version }: Outgoing): void {
    const type = this.type(typeUrl);
    const changed = world.filter((resource) => type.held.get(resource.name) !== resource.version);
    if (isWildcardType(typeUrl)) {
      for (const name of type.held.keys())
        if (!world.some((resource) => resource.name === name)) type.held.delete(name);
    }
    if (this.apply(typeUrl, nonce, changed)) type.worldVersion = version;
  }

  /** As Envoy does: listeners and clusters one by one with a complaint each, other types up to the first bad one. */
  apply(typeUrl: string, nonce: string, changes: readonly XdsResource[]): boolean {
    const type = this.type(typeUrl);
    const complaints: string[] = [];
    for (const { name, version } of changes) {
      if (version.startsWith('x')) complaints.push(isWildcardType(typeUrl) ? `${name}: bad` : 'bad');
      else if (this.wants(typeUrl, name)) type.held.set(name, version);
      if (complaints.length > 0 && !isWildcardType(typeUrl)) break;
    }
    if (typeUrl === CLUSTER) for (const { name } of changes) this.type(ENDPOINTS).renewed.add(name);
    if (complaints.length === 0) this.replies.push({ typeUrl, nonce });
    else {
      for (const { name } of changes) type.renewed.add(name);
      const error = isWildcardType(typeUrl) ? `Error adding/updating x(s) ${complaints.join('\n')}` : 'bad';
      this.replies.push({ typeUrl, nonce, error });
    }
    return complaints.length === 0;
  }

  reply(): void {
    const reply = this.replies.shift();
    if (reply === undefined) return;
    const { typeUrl, nonce, error } = reply;
    this.underWay.delete(typeUrl);
    const type = this.type(typeUrl);
    const detail = error === undefined ? {} : { errorDetail: { message: error } };
    const request = { typeUrl, responseNonce: nonce, ...detail };
    if (this.protocol === 'delta') this.stream.receiveDelta(create(DeltaDiscoveryRequestSchema, request), this.now);
    else {
      const fields = { ...request, versionInfo: type.worldVersion, resourceNames: [...type.names] };
      this.stream.receiveWorld(create(DiscoveryRequestSchema, fields), this.now);
    }
  }

  replace(snapshot: XdsSnapshot): void {
    this.snapshot = snapshot;
    this.stream.replace(snapshot);
  }

  /** Until nothing more comes; a bound, because a server that never stops is a bug too. */
  drain(): void {
    for (let step = 0; step < 2_000; step++) {
      if (!this.receive() && this.replies.length === 0) {
        const next = this.stream.next(this.now);
        if (!('retryAt' in next) || next.retryAt === undefined) return;
        this.now = next.retryAt;
      }
      this.reply();
    }
    throw new Error('the server never came to rest');
  }
}

type Op =
  | { readonly op: 'snapshot'; readonly types: readonly (readonly [string, readonly (readonly [string, string])[]])[] }
  | {
      readonly op: 'ask';
      readonly type: string;
      readonly subscribe: readonly string[];
      readonly unsubscribe: readonly string[];
    }
  | { readonly op: 'receive' | 'reply' | 'reconnect' | 'drain' };

// Versions come back (`1` after `2`), and about one in four is bad.
const versionOf = fc.constantFrom('1', '2', '3', 'x1', 'x2', '4', '5');
const resourcesOf = fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), versionOf), { selector: ([name]) => name });

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('snapshot' as const),
      types: fc.uniqueArray(fc.tuple(fc.constantFrom(...TYPES), resourcesOf), {
        selector: ([type]) => type,
        minLength: 1,
      }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('ask' as const),
      type: fc.constantFrom(...TYPES),
      subscribe: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 3 }),
      unsubscribe: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 2 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ op: fc.constantFrom('receive' as const, 'reply' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom('reconnect' as const, 'drain' as const) }) },
);

/** The snapshot with some types replaced; the others stay the same map. */
function edited(base: XdsSnapshot, types: Extract<Op, { op: 'snapshot' }>['types']): XdsSnapshot {
  const result = new Map(base);
  for (const [typeUrl, list] of types) {
    const resource = ([name, version]: readonly [string, string]): [string, XdsResource] => [
      name,
      { typeUrl, name, version, value: new Uint8Array(2) },
    ];
    result.set(typeUrl, new Map(list.map(resource)));
  }
  return result;
}

function run(envoy: Envoy, step: Op): void {
  switch (step.op) {
    case 'snapshot':
      return envoy.replace(edited(envoy.snapshot, step.types));
    case 'ask': {
      // Wildcard types are asked for as a whole; names of others are dropped only if they were asked for.
      if (isWildcardType(step.type)) return envoy.type(step.type).asked ? undefined : envoy.ask(step.type, [], []);
      const { names } = envoy.type(step.type);
      const unsubscribe = step.unsubscribe.filter((name) => names.has(name) && !step.subscribe.includes(name));
      const subscribe = envoy.protocol === 'delta' ? step.subscribe : step.subscribe.filter((name) => !names.has(name));
      return subscribe.length + unsubscribe.length === 0 ? undefined : envoy.ask(step.type, subscribe, unsubscribe);
    }
    case 'receive':
      envoy.receive();
      return undefined;
    case 'reply':
      return envoy.reply();
    case 'reconnect':
      return envoy.connect();
    case 'drain':
      return envoy.drain();
  }
}

/** Everything wanted is held at the snapshot's version, unless that is a bad one; nothing else is held of a wildcard type. */
function expectConverged(envoy: Envoy): void {
  for (const [typeUrl, type] of envoy.types) {
    if (!type.asked) continue;
    const resources = envoy.snapshot.get(typeUrl) ?? new Map<string, XdsResource>();
    for (const { name, version } of resources.values()) {
      if (!envoy.wants(typeUrl, name)) continue;
      if (version.startsWith('x')) expect(type.held.get(name) ?? '').not.toMatch(/^x/);
      else expect(type.held.get(name), `${typeUrl} ${name}`).toBe(version);
    }
    if (isWildcardType(typeUrl)) for (const name of type.held.keys()) expect(resources.has(name)).toBe(true);
  }
  const { types } = envoy.stream.status();
  expect(types.every(({ pending }) => pending === 0)).toBe(true);
}

it.each<Protocol>(['delta', 'world'])('brings every client to the last snapshot: %s', (protocol) => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 60 }), (steps) => {
      const envoy = new Envoy(protocol);
      for (const step of steps) run(envoy, step);
      envoy.drain();
      expectConverged(envoy);

      // The same again, as another object: nothing to say.
      const before = envoy.received;
      envoy.replace(new Map([...envoy.snapshot].map(([type, resources]) => [type, new Map(resources)])));
      envoy.drain();
      expect(envoy.received).toBe(before);

      // And after a reconnect only what cannot be known to be held: refused versions, and empty wildcards.
      const isBad = [...envoy.snapshot.values()].some((all) =>
        [...all.values()].some(({ version }) => version.startsWith('x')),
      );
      const isEmpty = [CLUSTER, LISTENER].some((type) => envoy.type(type).held.size === 0);
      envoy.connect();
      envoy.drain();
      if (protocol === 'delta' && !isBad && !isEmpty) expect(envoy.received).toBe(before);
      expectConverged(envoy);
    }),
    { numRuns: 400 },
  );
});
