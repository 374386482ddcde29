import type { XdsResource } from '#envoy/resource.ts';
import type { NackReason } from './acks.ts';
import type { Resources } from './changes.ts';
import type { TypeStatus } from './status.ts';

/** What a response is to change. Either part may be empty; an empty response says "there is nothing". */
export interface Draft {
  readonly changes: readonly XdsResource[];
  readonly removed: readonly string[];
}

/** Additions and changes come first, in all types; removals after them. See order.ts. */
export type Phase = 'make' | 'break';

/** A version that the client refused; it is not sent again. */
export interface Rejection {
  readonly name: string;
  readonly version: string;
  readonly reason: string;
}

/** A resource that the client holds; after a reconnect only its version is known. */
type Held = Pick<XdsResource, 'version'> & Partial<XdsResource>;

/** Held at no version that exists: whatever the snapshot has, or has not, is told. */
const UNKNOWN: Held = { version: '' };

/**
 * What one stream wants of one type, and what it holds. It does no I/O and knows no nonces: the caller asks for the
 * next draft, sends it, and tells what became of it, one draft at a time.
 *
 * Invariant: a name whose held version differs from the snapshot's is in `stale`, in the draft that is under way, or
 * rejected at exactly that version.
 */
export class Subscription {
  readonly typeUrl: string;
  readonly #names = new Set<string>();
  readonly #held = new Map<string, Held>();
  readonly #rejected = new Map<string, Rejection>();
  readonly #stale = new Set<string>();
  /** After a refusal that blamed nobody: parts of the refused draft, to be tried one after the other. */
  #suspects: (readonly string[])[] = [];
  #wildcard = false;
  /** The client waits for a first answer, be it empty. */
  #due = false;
  #underWay: Draft | undefined;
  #asked: { readonly resources: Resources; readonly count: number } | undefined;
  /** Names of the draft under way that the client needs again even when it accepts it. */
  readonly #again = new Set<string>();

  constructor(typeUrl: string) {
    this.typeUrl = typeUrl;
  }

  get names(): ReadonlySet<string> {
    return this.#names;
  }

  get wildcard(): boolean {
    return this.#wildcard;
  }

  wants(name: string): boolean {
    return this.#wildcard || this.#names.has(name);
  }

  /** Asks for a name; it is answered even if the client held it before, because it may have dropped it since. */
  subscribe(name: string): void {
    this.#names.add(name);
    this.#asked = undefined;
    this.refresh(name);
  }

  /** The client needs this one again, whatever it holds. */
  refresh(name: string): void {
    if (!this.wants(name)) return;
    this.#forget(name);
    this.#stale.add(name);
    if (this.#underWay?.changes.some((resource) => resource.name === name) === true) this.#again.add(name);
  }

  /** Asks for everything, and for an answer even if that is nothing. */
  subscribeAll(resources: Resources): void {
    if (this.#wildcard) return;
    this.#wildcard = true;
    this.#due = true;
    for (const name of resources.keys()) this.#stale.add(name);
  }

  /** Under a wildcard the name is still wanted, and the client waits to hear whether it exists. */
  unsubscribe(name: string): void {
    if (!this.#names.delete(name)) return;
    this.#asked = undefined;
    this.#forget(name);
    this.#stale.delete(name);
    if (!this.#wildcard) return;
    this.#held.set(name, UNKNOWN);
    this.#stale.add(name);
  }

  unsubscribeAll(): void {
    this.#wildcard = false;
    this.#due = false;
    for (const name of this.#held.keys()) if (!this.#names.has(name)) this.#forget(name);
  }

  /** What the client says that it holds, when it comes again. */
  claim(name: string, version: string, resources: Resources): void {
    if (!this.wants(name)) return;
    const current = resources.get(name);
    this.#held.set(name, current?.version === version ? current : { version });
    this.#stale.add(name);
    this.needsNoAnswer();
  }

  /** The client had its first answer before it came again. */
  needsNoAnswer(): void {
    this.#due = false;
  }

  /** These names changed in the snapshot. */
  touch(names: Iterable<string>): void {
    for (const name of names) if (this.wants(name)) this.#stale.add(name);
  }

  /** What the next response is to change, if anything; it is then under way until `accept` or `reject`. */
  next(resources: Resources, phase: Phase, maxBytes: number): Draft | undefined {
    if (this.#underWay !== undefined) return undefined;
    for (const suspects of phase === 'make' ? [...this.#suspects] : []) {
      this.#suspects.shift();
      const draft = this.#draft(resources, phase, maxBytes, suspects);
      if (draft !== undefined) return draft;
    }
    return this.#draft(resources, phase, maxBytes, this.#stale);
  }

  #draft(resources: Resources, phase: Phase, maxBytes: number, candidates: Iterable<string>): Draft | undefined {
    const changes: XdsResource[] = [];
    const removed: string[] = [];
    let bytes = 0;
    for (const name of candidates) {
      if (!this.#stale.has(name)) continue;
      const resource = resources.get(name);
      if (resource === undefined) {
        if (this.#isRemoval(name)) {
          if (phase === 'make') continue;
          removed.push(name);
        }
      } else if (this.#isChange(name, resource)) {
        if (phase === 'break') continue;
        // A response to a wildcard is whole, for its first one means "all there is".
        if (!this.#wildcard && bytes > 0 && bytes + resource.value.length > maxBytes) break;
        bytes += resource.value.length;
        changes.push(resource);
      }
      this.#stale.delete(name);
    }
    if (changes.length === 0 && removed.length === 0 && !this.#due) return undefined;
    this.#due = false;
    this.#underWay = { changes, removed };
    return this.#underWay;
  }

  /**
   * A name that is gone is said to be gone to a client that asked for everything. One that asked for it by name lets
   * go of it by itself when nothing refers to it any more; until then it goes on with what it holds.
   */
  #isRemoval(name: string): boolean {
    return this.#wildcard && this.#held.has(name);
  }

  #isChange(name: string, resource: XdsResource): boolean {
    return this.wants(name) && this.#held.get(name)?.version !== resource.version && !this.#isRejected(resource);
  }

  #isRejected({ name, version }: XdsResource): boolean {
    return this.#rejected.get(name)?.version === version;
  }

  /** Names that the draft under way changes. */
  draftNames(): readonly string[] {
    return this.#underWay?.changes.map(({ name }) => name) ?? [];
  }

  /** The draft under way was accepted. */
  accept(): Draft | undefined {
    const draft = this.#underWay;
    this.#underWay = undefined;
    for (const resource of draft?.changes ?? []) {
      if (!this.wants(resource.name) || this.#again.has(resource.name)) continue;
      this.#held.set(resource.name, resource);
      this.#rejected.delete(resource.name);
    }
    for (const name of draft?.removed ?? []) this.#forget(name);
    this.#again.clear();
    return draft;
  }

  /**
   * The draft under way was refused, `nack` saying whom the client complained of. A draft of one resource blames
   * that one. The others are sent again: a client may have taken them, or stopped at the first that it refused. Where nobody is blamed the
   * draft is tried in halves, so that one bad resource holds up no other for long.
   * @returns what is newly known to be refused.
   */
  reject(nack: NackReason): readonly Rejection[] {
    const draft = this.#underWay;
    this.#underWay = undefined;
    this.#again.clear();
    if (draft === undefined) return [];
    // A client has no reason to refuse a removal; should it, it keeps the resource and is not asked again.
    for (const name of draft.removed) this.#forget(name);
    const [only] = draft.changes;
    const guilty = new Map(nack.blamed);
    if (only !== undefined && draft.changes.length === 1 && guilty.size === 0) guilty.set(only.name, nack.reason);
    const rejections: Rejection[] = [];
    const others: string[] = [];
    for (const resource of draft.changes) {
      const { name, version } = resource;
      if (!this.wants(name)) continue;
      const reason = guilty.get(name);
      if (reason === undefined) {
        others.push(name);
        this.#held.set(name, { ...resource, ...UNKNOWN });
        this.#stale.add(name);
        continue;
      }
      const rejection = { name, version, reason };
      this.#rejected.set(name, rejection);
      rejections.push(rejection);
    }
    const middle = guilty.size > 0 ? others.length : Math.ceil(others.length / 2);
    this.#suspects = [others.slice(0, middle), others.slice(middle), ...this.#suspects].filter(
      (part) => part.length > 0,
    );
    return rejections;
  }

  /** Everything wanted that a client holds once `draft` is accepted: a state-of-the-world response, whole. */
  world(resources: Resources, draft: Draft): readonly XdsResource[] {
    const whole = new Map<string, XdsResource>();
    for (const [name, held] of this.#held) {
      const resource = isWhole(held) ? held : resources.get(name);
      if (resource !== undefined && !this.#isRejected(resource)) whole.set(name, resource);
    }
    for (const resource of draft.changes) whole.set(resource.name, resource);
    for (const name of draft.removed) whole.delete(name);
    return [...whole.values()];
  }

  /** Resources of the snapshot that are wanted. */
  wanted(resources: Resources): readonly XdsResource[] {
    if (this.#wildcard) return [...resources.values()];
    return [...this.#names].flatMap((name) => resources.get(name) ?? []);
  }

  /** What the client refuses of the snapshot as it is now. */
  rejections(resources: Resources): readonly Rejection[] {
    return [...this.#rejected.values()].filter(({ name, version }) => resources.get(name)?.version === version);
  }

  /** How many of the resources are wanted; counted again only when either changed. */
  asked(resources: Resources): number {
    if (this.#wildcard) return resources.size;
    if (this.#asked?.resources !== resources) {
      let count = 0;
      for (const name of this.#names) if (resources.has(name)) count++;
      this.#asked = { resources, count };
    }
    return this.#asked.count;
  }

  /** Nothing is to be said until something happens. By the invariant what is to be said is about stale names alone. */
  isIdle(resources: Resources): boolean {
    if (this.#due || this.#underWay !== undefined) return false;
    for (const name of this.#stale) {
      const resource = resources.get(name);
      if (resource === undefined ? this.#isRemoval(name) : this.#isChange(name, resource)) return false;
    }
    return true;
  }

  status(resources: Resources): TypeStatus {
    let inSync = 0;
    let nacked = 0;
    const wanted = this.wanted(resources);
    for (const { name, version } of wanted) {
      if (this.#held.get(name)?.version === version) inSync++;
      else if (this.#rejected.get(name)?.version === version) nacked++;
    }
    const missing = [...this.#names].filter((name) => !resources.has(name));
    return { typeUrl: this.typeUrl, inSync, nacked, pending: wanted.length - inSync - nacked, missing };
  }

  #forget(name: string): void {
    this.#held.delete(name);
    this.#rejected.delete(name);
  }
}

const isWhole = (held: Held): held is XdsResource => held.value !== undefined;
