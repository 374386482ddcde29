import { BUFFER_DOWNSTREAM_DATA, BUFFER_UPSTREAM_DATA, STATUS_OK, STREAM_DOWNSTREAM, STREAM_UPSTREAM } from './abi.ts';
import { Body, Context, join } from './context.ts';
import { fromUtf8, utf8 } from './memory.ts';
import { findProperty, type Properties, type PropertyAnswer, type PropertyValue } from './properties.ts';
import type { RootContext } from './root.ts';

/** `close`: the filter closed the connection, or its VM failed. */
export type ConnectionAction = 'continue' | 'pause' | 'close';

const CLOSED_BY_UNKNOWN = 0;
const CLOSED_BY_PROXY = 1;
const CLOSED_BY_PEER = 2;

/** One TCP connection on its way through one filter (`envoy.filters.network.wasm`). */
export class Connection extends Context {
  readonly #root: RootContext;
  readonly #given = new Map<string, PropertyValue>();
  readonly #written = new Map<string, Uint8Array>();
  #downstream: Body | undefined;
  #upstream: Body | undefined;
  #toUpstream: Uint8Array = new Uint8Array(0);
  #toDownstream: Uint8Array = new Uint8Array(0);
  #action: ConnectionAction = 'continue';
  #closed = false;
  #logging = false;

  /** Creates the connection's context in the VM; `begin` says that the connection is there. */
  constructor(root: RootContext, properties: Properties = {}) {
    super(root.instance.nextId(), root.id);
    this.#root = root;
    for (const [name, value] of Object.entries(properties)) if (value !== undefined) this.#given.set(name, value);
    root.instance.contexts.set(this.id, this);
    root.retain();
    root.instance.call(this, 'proxy_on_context_create', this.id, root.id);
    root.instance.settle();
  }

  get action(): ConnectionAction {
    return this.#action;
  }

  /** Bytes that went upstream, as text. */
  get toUpstream(): string {
    return fromUtf8(this.#toUpstream);
  }

  /** Bytes that went to the client, as text. */
  get toDownstream(): string {
    return fromUtf8(this.#toDownstream);
  }

  /** The connection is accepted. Called once, by the root. */
  begin(): ConnectionAction {
    return this.#callback('proxy_on_new_connection');
  }

  /** Bytes arrive from the client. */
  data(chunk: string | Uint8Array, endOfStream = false): ConnectionAction {
    if (this.#action === 'close') return 'close';
    const bytes = typeof chunk === 'string' ? utf8(chunk) : chunk;
    const body = new Body(join(this.#downstream?.bytes ?? new Uint8Array(0), bytes));
    this.#downstream = body;
    if (this.#callback('proxy_on_downstream_data', body.bytes.length, endOfStream ? 1 : 0) === 'continue') {
      this.#release();
    }
    return this.#action;
  }

  /** Bytes arrive from the upstream; `endOfStream` when it closes. */
  upstreamData(chunk: string | Uint8Array, endOfStream = false): ConnectionAction {
    if (this.#action === 'close') return 'close';
    const body = new Body(typeof chunk === 'string' ? utf8(chunk) : chunk);
    this.#upstream = body;
    if (this.#callback('proxy_on_upstream_data', body.bytes.length, endOfStream ? 1 : 0) === 'continue') {
      this.#toDownstream = join(this.#toDownstream, body.bytes);
      this.#upstream = undefined;
    }
    // Envoy sees the end of the upstream's data, and not who closed.
    if (endOfStream) this.#tell('proxy_on_upstream_connection_close', CLOSED_BY_UNKNOWN);
    return this.#action;
  }

  /** The connection is over: by whom, unless the filter closed it (that is `proxy`). Harmless twice. */
  close(by: 'client' | 'proxy' = 'client'): void {
    if (this.#closed) return;
    this.#closed = true;
    const { instance } = this.#root;
    const local = by === 'proxy' || this.#action === 'close';
    this.#tell('proxy_on_downstream_connection_close', local ? CLOSED_BY_PROXY : CLOSED_BY_PEER);
    this.#tell('proxy_on_done');
    this.#logging = true;
    this.#tell('proxy_on_log');
    this.#logging = false;
    this.#tell('proxy_on_delete');
    instance.contexts.delete(this.id);
    this.#root.release();
  }

  override get logging(): boolean {
    return this.#logging;
  }

  override buffer(type: number): Body | undefined {
    if (type === BUFFER_DOWNSTREAM_DATA) return this.#downstream;
    if (type === BUFFER_UPSTREAM_DATA) return this.#upstream;
    return this.#root.buffer(type);
  }

  override property(path: readonly string[]): PropertyAnswer {
    const { config, instance } = this.#root;
    return findProperty(
      {
        phase: this.#logging ? 'log' : 'request',
        given: this.#given,
        written: this.#written,
        plugin: { name: config.name, rootId: config.rootId, vmId: instance.surroundings.vmId },
        requestHeaders: undefined,
        responseHeaders: undefined,
      },
      path,
    );
  }

  override setProperty(path: string, value: Uint8Array): number {
    this.#written.set(path, value);
    return STATUS_OK;
  }

  override continueStream(stream: number): number {
    if (stream !== STREAM_DOWNSTREAM) return STATUS_OK;
    this.#root.instance.defer(() => {
      if (this.#action !== 'pause') return;
      this.#action = 'continue';
      this.#release();
    });
    return STATUS_OK;
  }

  override closeStream(stream: number): number {
    if (stream === STREAM_DOWNSTREAM || stream === STREAM_UPSTREAM) this.#action = 'close';
    return STATUS_OK;
  }

  #tell(name: string, ...args: readonly number[]): void {
    this.#root.instance.call(this, name, this.id, ...args);
    this.#root.instance.settle();
  }

  #release(): void {
    this.#toUpstream = join(this.#toUpstream, this.#downstream?.bytes ?? new Uint8Array(0));
    this.#downstream = undefined;
  }

  #callback(name: string, ...args: readonly number[]): ConnectionAction {
    const { instance } = this.#root;
    const result = instance.failure ? undefined : (instance.call(this, name, this.id, ...args) ?? 0);
    if (instance.failure) this.#action = 'close';
    else if (this.#action !== 'close') this.#action = result === 0 ? 'continue' : 'pause';
    instance.settle();
    return this.#action;
  }
}
