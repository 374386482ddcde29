import { createHash } from 'node:crypto';
import { CLUSTER, ENDPOINTS, LISTENER, type XdsResource, type XdsSnapshot } from '#envoy/resource.ts';
import type { DeltaDiscoveryRequest, DiscoveryRequest } from '#gen/envoy/service/discovery/v3/discovery_pb.ts';
import { readNack } from './acks.ts';
import { changedNames, NO_RESOURCES, type Resources } from './changes.ts';
import type { Nack, Protocol, XdsEvent } from './event.ts';
import type { Limits } from './limits.ts';
import type { NodeId } from './node.ts';
import { isWildcardType, rank, stage } from './order.ts';
import { Refusal } from './refusal.ts';
import type { NodeStatus } from './status.ts';
import { Subscription, type Draft, type Phase } from './subscription.ts';

/** A response of one type, ready to be written. `world`: all of it, for the state-of-the-world protocol. */
export interface Outgoing extends Draft {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly world: readonly XdsResource[];
  readonly version: string;
}

/** Nothing to send now. */
export interface Pause {
  /** When to look again even if nothing happens; undefined: only when something does. */
  readonly retryAt: number | undefined;
}

/** How long a stage waits for the acknowledgement of an earlier one, in milliseconds: no client holds itself up for good. */
const STAGE_WAIT = 2_000;

/** Refusals in a row after which a type is sent to ever more slowly, and the longest wait in milliseconds. */
const PATIENCE = 24;
const LONGEST_WAIT = 30_000;

interface Sent {
  readonly nonce: string;
  readonly at: number;
}

interface Channel {
  readonly subscription: Subscription;
  /** At most one response is under way; the state it led to is sent by the next. So nothing queues. */
  sent?: Sent;
  /** Refusals since the last acknowledgement. */
  refusals: number;
  /** Not before this time. */
  resumeAt: number;
}

type Emit = (event: XdsEvent) => void;

/**
 * One client: what it asked for, what it has, and what to tell it next. All time is handed in (milliseconds of a clock
 * that never goes back), all I/O is the caller's.
 */
export class Stream {
  readonly protocol: Protocol;
  readonly node: NodeId;
  readonly #limits: Limits;
  readonly #emit: Emit;
  readonly #connectedAt = Date.now();
  /** In the order of additions. */
  #channels: Channel[] = [];
  /** Newest, and the one that the subscriptions know of. */
  #snapshot: XdsSnapshot | undefined;
  #seen: XdsSnapshot = new Map();
  #nonce = 0;

  constructor(protocol: Protocol, node: NodeId, limits: Limits, emit: Emit) {
    this.protocol = protocol;
    this.node = node;
    this.#limits = limits;
    this.#emit = emit;
  }

  /** What the client is to hold from now on. Costs nothing until the client can be sent to. */
  replace(snapshot: XdsSnapshot): void {
    this.#snapshot = snapshot;
  }

  receiveDelta(request: DeltaDiscoveryRequest, now: number): void {
    const { channel, isNew } = this.#channel(request.typeUrl);
    const { subscription } = channel;
    const resources = this.#resources(request.typeUrl);
    this.#answered(channel, request.responseNonce, request.errorDetail?.message, now);
    const { resourceNamesSubscribe: subscribe, resourceNamesUnsubscribe: unsubscribe } = request;
    this.#checkNames(subscription, subscribe);
    for (const name of subscribe) {
      if (name === '*') subscription.subscribeAll(resources);
      else subscription.subscribe(name);
    }
    for (const name of unsubscribe) {
      if (name === '*') subscription.unsubscribeAll();
      else subscription.unsubscribe(name);
    }
    if (!isNew) return;
    if (subscribe.length === 0 && isWildcardType(request.typeUrl)) subscription.subscribeAll(resources);
    for (const [name, version] of Object.entries(request.initialResourceVersions)) {
      subscription.claim(name, version, resources);
    }
  }

  receiveWorld(request: DiscoveryRequest, now: number): void {
    const { channel, isNew } = this.#channel(request.typeUrl);
    const { subscription } = channel;
    const resources = this.#resources(request.typeUrl);
    this.#answered(channel, request.responseNonce, request.errorDetail?.message, now);
    const names = new Set(request.resourceNames);
    // No names mean everything until a client has named something; after that they mean nothing.
    const unnamed = names.size === 0 && isWildcardType(request.typeUrl) && (isNew || subscription.wildcard);
    const all = names.delete('*') || unnamed;
    this.#checkNames(subscription, names);
    if (all) subscription.subscribeAll(resources);
    else subscription.unsubscribeAll();
    for (const name of subscription.names) if (!names.has(name)) subscription.unsubscribe(name);
    for (const name of names) if (!subscription.names.has(name)) subscription.subscribe(name);
    if (!isNew || request.versionInfo === '') return;
    // The version is that of all that was wanted and accepted: if it is the snapshot's, so is every resource.
    const wanted = subscription.wanted(resources);
    if (worldVersion(wanted) !== request.versionInfo) return;
    subscription.needsNoAnswer();
    for (const { name, version } of wanted) subscription.claim(name, version, resources);
  }

  /**
   * The next response to write, or when to ask again at the latest. A type is sent to when nothing of an earlier stage
   * is to be sent or under way (order.ts); removals go when no additions are.
   */
  next(now: number): Outgoing | Pause {
    if (this.#snapshot === undefined) return { retryAt: undefined };
    this.#catchUp();
    let retryAt: number | undefined;
    let held = Infinity;
    for (const channel of this.#channels) {
      const place = stage(channel.subscription.typeUrl);
      if (place > held) break;
      if (channel.resumeAt > now) retryAt = earlier(retryAt, channel.resumeAt);
      else if (channel.sent === undefined) {
        const outgoing = this.#draft(channel, 'make', now);
        if (outgoing !== undefined) return outgoing;
      } else if (place > 0 && channel.sent.at + STAGE_WAIT > now) {
        held = place;
        retryAt = earlier(retryAt, channel.sent.at + STAGE_WAIT);
      }
    }
    const made = this.#channels.every(
      ({ sent, subscription }) => sent === undefined || stage(subscription.typeUrl) === 0,
    );
    for (const channel of made ? this.#channels.toReversed() : []) {
      const outgoing = channel.sent === undefined ? this.#draft(channel, 'break', now) : undefined;
      if (outgoing !== undefined) return outgoing;
    }
    return { retryAt };
  }

  #draft(channel: Channel, phase: Phase, now: number): Outgoing | undefined {
    const resources = this.#resources(channel.subscription.typeUrl);
    const draft = channel.subscription.next(resources, phase, this.#limits.responseBytes);
    return draft && this.#send(channel, resources, draft, now);
  }

  #send(channel: Channel, resources: Resources, draft: Draft, now: number): Outgoing {
    const { subscription } = channel;
    const nonce = String(++this.#nonce);
    channel.sent = { nonce, at: now };
    const { typeUrl } = subscription;
    if (typeUrl === CLUSTER) this.#refreshEndpoints(draft.changes);
    if (this.protocol === 'delta') return { ...draft, typeUrl, nonce, world: [], version: '' };
    const all = subscription.world(resources, draft);
    const version = worldVersion(all);
    // Listeners and clusters that a response does not name are gone; of other types it may name the changed ones only.
    return { ...draft, typeUrl, nonce, world: subscription.wildcard ? all : draft.changes, version };
  }

  /**
   * A changed cluster warms anew and waits for endpoints, but Envoy does not ask again for those that it has: without
   * them it would wait 15 seconds, acknowledge nothing meanwhile, and then have none. Endpoints go by their cluster's name.
   */
  #refreshEndpoints(clusters: readonly XdsResource[]): void {
    const endpoints = this.#channels.find(({ subscription }) => subscription.typeUrl === ENDPOINTS)?.subscription;
    for (const { name } of clusters) endpoints?.refresh(name);
  }

  /** An acknowledgement or a refusal, if the request bears the nonce of what is under way. */
  #answered(channel: Channel, nonce: string, error: string | undefined, now: number): void {
    const { subscription, sent } = channel;
    if (sent === undefined || sent.nonce !== nonce) return;
    delete channel.sent;
    const { typeUrl } = subscription;
    const node = this.node.id;
    if (error === undefined) {
      channel.refusals = 0;
      const { changes, removed } = subscription.accept() ?? { changes: [], removed: [] };
      const names = changes.map(({ name }) => name);
      this.#emit({ kind: 'ack', node, typeUrl, names, removed, ms: now - sent.at });
      return;
    }
    channel.refusals++;
    if (channel.refusals > PATIENCE) {
      channel.resumeAt = now + Math.min(LONGEST_WAIT, 10 * 2 ** (channel.refusals - PATIENCE));
    }
    for (const rejection of subscription.reject(readNack(error, subscription.draftNames()))) {
      this.#emit({ kind: 'nack', node, typeUrl, ...rejection });
    }
  }

  #channel(typeUrl: string): { readonly channel: Channel; readonly isNew: boolean } {
    const known = this.#channels.find(({ subscription }) => subscription.typeUrl === typeUrl);
    if (known !== undefined) return { channel: known, isNew: false };
    if (this.#channels.length >= this.#limits.types) {
      throw new Refusal('too-much', `expected at most ${this.#limits.types} types on one stream, came another`);
    }
    const channel: Channel = { subscription: new Subscription(typeUrl), refusals: 0, resumeAt: 0 };
    this.#catchUp();
    this.#channels = [...this.#channels, channel].sort(
      (a, b) => rank(a.subscription.typeUrl) - rank(b.subscription.typeUrl),
    );
    return { channel, isNew: true };
  }

  #checkNames(subscription: Subscription, names: Iterable<string>): void {
    let count = subscription.names.size;
    for (const name of names) {
      if (name.length > this.#limits.nameLength) {
        const came = `${name.length} characters`;
        throw new Refusal(
          'too-much',
          `expected resource names of at most ${this.#limits.nameLength} characters, came ${came}`,
        );
      }
      if (!subscription.names.has(name)) count++;
    }
    if (count > this.#limits.names) {
      throw new Refusal('too-much', `expected at most ${this.#limits.names} names of one type, came ${count}`);
    }
  }

  #resources(typeUrl: string): Resources {
    return this.#seen.get(typeUrl) ?? NO_RESOURCES;
  }

  /** Tells the subscriptions what changed since they last looked; snapshots in between are never looked at. */
  #catchUp(): void {
    const snapshot = this.#snapshot;
    if (snapshot === undefined || snapshot === this.#seen) return;
    for (const { subscription } of this.#channels) {
      const { typeUrl } = subscription;
      subscription.touch(changedNames(this.#resources(typeUrl), snapshot.get(typeUrl) ?? NO_RESOURCES));
    }
    this.#seen = snapshot;
  }

  /** Whether the client has been told everything and has answered; `unasked`: resources that it never asked for. */
  progress(): { readonly idle: boolean; readonly unasked: number } {
    this.#catchUp();
    const idle =
      this.#snapshot !== undefined &&
      [CLUSTER, LISTENER].every((typeUrl) =>
        this.#channels.some(({ subscription }) => subscription.typeUrl === typeUrl),
      ) &&
      this.#channels.every(({ subscription }) => subscription.isIdle(this.#resources(subscription.typeUrl)));
    let unasked = 0;
    for (const [typeUrl, resources] of this.#seen) {
      const asked = this.#channels.find(({ subscription }) => subscription.typeUrl === typeUrl)?.subscription;
      unasked += resources.size - (asked?.asked(resources) ?? 0);
    }
    return { idle, unasked };
  }

  status(): NodeStatus {
    this.#catchUp();
    const subscriptions = this.#channels.map(({ subscription }) => subscription);
    return {
      node: this.node.id,
      key: this.node.key,
      protocol: this.protocol,
      connectedAt: this.#connectedAt,
      types: subscriptions.map((subscription) => subscription.status(this.#resources(subscription.typeUrl))),
      nacks: this.nacks(),
    };
  }

  /** What the client refuses of the snapshot as it is now. */
  nacks(): readonly Nack[] {
    this.#catchUp();
    const node = this.node.id;
    return this.#channels.flatMap(({ subscription }) => {
      const { typeUrl } = subscription;
      return subscription.rejections(this.#resources(typeUrl)).map((rejection) => ({ node, typeUrl, ...rejection }));
    });
  }
}

const earlier = (a: number | undefined, b: number): number => (a === undefined ? b : Math.min(a, b));

/** One version for a set of resources: equal sets have equal versions, whatever their order. */
function worldVersion(resources: readonly XdsResource[]): string {
  const hash = createHash('sha1');
  for (const line of resources.map(({ name, version }) => `${name}\0${version}\n`).sort()) hash.update(line);
  return hash.digest('hex').slice(0, 16);
}
