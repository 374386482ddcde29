import { STATUS_CAS_MISMATCH, STATUS_EMPTY, STATUS_NOT_FOUND, STATUS_OK } from './abi.ts';

interface Entry {
  value: Uint8Array;
  cas: number;
}

/** Shared data: bytes by key, with a number that changes with every write (CAS; never 0). Outlives a VM. */
export class SharedData {
  readonly #entries = new Map<string, Entry>();
  #last = 0;

  get(key: string): Readonly<Entry> | undefined {
    return this.#entries.get(key);
  }

  /** Writes if `cas` is 0 or the entry's present number; a key that is new takes any. */
  set(key: string, value: Uint8Array, cas: number): number {
    const entry = this.#entries.get(key);
    if (entry && cas !== 0 && cas !== entry.cas) return STATUS_CAS_MISMATCH;
    this.#last = (this.#last + 1) >>> 0 || 1;
    this.#entries.set(key, { value, cas: this.#last });
    return STATUS_OK;
  }
}

interface Queue {
  owner: number;
  readonly items: Uint8Array[];
}

/** Shared queues, by token. `owner` is the root context that registered last: it hears `proxy_on_queue_ready`. */
export class SharedQueues {
  readonly #tokens = new Map<string, number>();
  readonly #queues = new Map<number, Queue>();

  /** Registers a queue for a root; what it holds already stays. Gives its token. */
  register(vmId: string, name: string, owner: number): number {
    const key = `${vmId}\0${name}`;
    const token = this.#tokens.get(key) ?? this.#tokens.size + 1;
    this.#tokens.set(key, token);
    const queue = this.#queues.get(token);
    if (queue) queue.owner = owner;
    else this.#queues.set(token, { owner, items: [] });
    return token;
  }

  resolve(vmId: string, name: string): number | undefined {
    return this.#tokens.get(`${vmId}\0${name}`);
  }

  /** The root to tell, or undefined when there is no such queue. */
  enqueue(token: number, item: Uint8Array): number | undefined {
    const queue = this.#queues.get(token);
    queue?.items.push(item);
    return queue?.owner;
  }

  /** The oldest item, or the status that says why there is none. */
  dequeue(token: number): Uint8Array | number {
    const queue = this.#queues.get(token);
    if (!queue) return STATUS_NOT_FOUND;
    return queue.items.shift() ?? STATUS_EMPTY;
  }
}
