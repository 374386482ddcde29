import {
  BUFFER_REQUEST_BODY,
  BUFFER_RESPONSE_BODY,
  FAIL_STREAM_DETAILS,
  HEADER_MAP_REQUEST,
  HEADER_MAP_REQUEST_TRAILERS,
  HEADER_MAP_RESPONSE,
  HEADER_MAP_RESPONSE_TRAILERS,
  STATUS_OK,
  STREAM_REQUEST,
} from './abi.ts';
import { type Body, Context, type ReplyRequest } from './context.ts';
import { type Action, Flow } from './flow.ts';
import { type Header, HeaderMap, type HeadersInput } from './headers.ts';
import { fromUtf8, utf8 } from './memory.ts';
import { findProperty, type Phase, type Properties, type PropertyAnswer, type PropertyValue } from './properties.ts';
import { type LocalReply, localReply, replyBody, replyHeaders } from './reply.ts';
import type { RootContext } from './root.ts';

/** How one step of a stream went; `headers` are those of its direction as they go on. */
export interface Outcome {
  readonly action: Action;
  readonly reply: LocalReply | undefined;
  readonly headers: readonly Header[];
}

export interface MessageOptions {
  readonly headers: HeadersInput;
  /** What the proxy knows from here on; see `Properties`. */
  readonly properties?: Properties;
  /** True unless a body or trailers follow. */
  readonly endOfStream?: boolean;
}

/** One HTTP request on its way through one filter, and its response on the way back. */
export class Stream extends Context implements Outcome {
  readonly #root: RootContext;
  readonly #request: Flow;
  readonly #response: Flow;
  readonly #given = new Map<string, PropertyValue>();
  readonly #written = new Map<string, Uint8Array>();
  #phase: Phase = 'request';
  #reply: LocalReply | undefined;
  #answered = false;
  #ended = false;
  #reset = false;
  #routeCacheCleared = false;

  /** Creates the stream's context in the VM; `begin` gives it the request. */
  constructor(root: RootContext) {
    super(root.instance.nextId(), root.id);
    this.#root = root;
    this.#request = new Flow((part, size, end) => this.#callback(`proxy_on_request_${part}`, part, size, end));
    this.#response = new Flow((part, size, end) => this.#callback(`proxy_on_response_${part}`, part, size, end));
    root.instance.contexts.set(this.id, this);
    root.retain();
    root.instance.call(this, 'proxy_on_context_create', this.id, root.id);
    root.instance.settle();
  }

  /** Where the request is now: it changes when the filter continues or answers later. */
  get action(): Action {
    return this.#request.action;
  }

  /** What the client was answered instead of an upstream's response, if it was. */
  get reply(): LocalReply | undefined {
    return this.#reply;
  }

  /** The request headers as they go upstream. */
  get headers(): readonly Header[] {
    return this.#request.headers?.entries ?? [];
  }

  /** Body bytes that went upstream, as text. */
  get sentBody(): string {
    return fromUtf8(this.#request.sent);
  }

  /** Body bytes that went to the client, as text. */
  get sentResponseBody(): string {
    return fromUtf8(this.#response.sent);
  }

  /** How the response stands, when one came. */
  get responseOutcome(): Outcome {
    const { action, headers } = this.#response;
    return { action: this.#reply ? 'reply' : action, reply: this.#reply, headers: headers?.entries ?? [] };
  }

  /** The filter closed the stream (`proxy_close_stream`): reset, without a response. */
  get wasReset(): boolean {
    return this.#reset;
  }

  /** The filter changed request headers, or asked for it: Envoy picks the route again. */
  get routeCacheCleared(): boolean {
    return this.#routeCacheCleared;
  }

  /** Filter state that the filter wrote with `proxy_set_property`, by path, as text. */
  written(path: string): string | undefined {
    const bytes = this.#written.get(path);
    return bytes && fromUtf8(bytes);
  }

  /** The request headers arrive. Called once, by the root. */
  begin(headers: HeaderMap, { properties, endOfStream }: MessageOptions): void {
    this.#learn(properties);
    this.#request.begin(headers, endOfStream ?? true);
  }

  /** A part of the request's body arrives. */
  body(chunk: string | Uint8Array, endOfStream = false): Outcome {
    this.#request.body(typeof chunk === 'string' ? utf8(chunk) : chunk, endOfStream);
    return this;
  }

  trailers(trailers: HeadersInput): Outcome {
    this.#request.end(new HeaderMap('trailers', trailers));
    return this;
  }

  /** The upstream's response headers arrive. A request that was answered or reset gets none: that is an error here. */
  response(options: MessageOptions): Outcome {
    if (this.action !== 'continue' || this.#reset) {
      throw new Error(
        `no response can come: expected a request that went on, but it is ${this.#reset ? 'reset' : this.action}`,
      );
    }
    this.#learn(options.properties);
    this.#phase = 'response';
    this.#response.begin(new HeaderMap('response', options.headers), options.endOfStream ?? true);
    return this.responseOutcome;
  }

  responseBody(chunk: string | Uint8Array, endOfStream = false): Outcome {
    this.#response.body(typeof chunk === 'string' ? utf8(chunk) : chunk, endOfStream);
    return this.responseOutcome;
  }

  responseTrailers(trailers: HeadersInput): Outcome {
    this.#response.end(new HeaderMap('trailers', trailers));
    return this.responseOutcome;
  }

  /** The stream is over, by its end or by a reset: access log, done and delete, as Envoy calls them. Harmless twice. */
  end(properties?: Properties): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#learn(properties);
    this.#phase = 'log';
    for (const name of ['proxy_on_log', 'proxy_on_done', 'proxy_on_delete']) {
      this.#root.instance.call(this, name, this.id);
      this.#root.instance.settle();
      if (name === 'proxy_on_log') this.#phase = 'response';
    }
    this.#root.instance.contexts.delete(this.id);
    this.#root.release();
  }

  override get logging(): boolean {
    return this.#phase === 'log';
  }

  override headerMap(map: number, change: boolean): HeaderMap | undefined {
    const logged = this.logging && !change;
    switch (map) {
      case HEADER_MAP_REQUEST:
        return logged ? this.#request.headers : this.#request.openHeaders;
      case HEADER_MAP_REQUEST_TRAILERS:
        return this.#request.openTrailers;
      case HEADER_MAP_RESPONSE:
        return logged ? this.#response.headers : this.#response.openHeaders;
      case HEADER_MAP_RESPONSE_TRAILERS:
        return logged ? this.#response.trailers : this.#response.openTrailers;
      default:
        return undefined;
    }
  }

  override clearRouteCache(): void {
    this.#routeCacheCleared = true;
  }

  override buffer(type: number): Body | undefined {
    if (type === BUFFER_REQUEST_BODY) return this.#request.openBody;
    if (type === BUFFER_RESPONSE_BODY) return this.#response.openBody;
    return this.#root.buffer(type);
  }

  override property(path: readonly string[]): PropertyAnswer {
    const { config, instance } = this.#root;
    return findProperty(
      {
        phase: this.#phase,
        given: this.#given,
        written: this.#written,
        plugin: { name: config.name, rootId: config.rootId, vmId: instance.surroundings.vmId },
        requestHeaders: this.headerMap(HEADER_MAP_REQUEST, false),
        responseHeaders: this.headerMap(HEADER_MAP_RESPONSE, false),
      },
      path,
    );
  }

  override setProperty(path: string, value: Uint8Array): number {
    this.#written.set(path, value);
    return STATUS_OK;
  }

  override setFilterState(key: string, value: string): number {
    this.#given.set(`filter_state.${key}`, value);
    return STATUS_OK;
  }

  override continueStream(stream: number): number {
    const flow = stream === STREAM_REQUEST ? this.#request : this.#response;
    this.#root.instance.defer(() => {
      if (!this.#ended && !this.#reply) flow.resume();
    });
    this.#request.close();
    return STATUS_OK;
  }

  override closeStream(_stream: number): number {
    this.#reset = true;
    return STATUS_OK;
  }

  override sendReply(reply: ReplyRequest): number {
    this.#root.instance.defer(() => this.#answer(reply));
    return STATUS_OK;
  }

  #learn(properties: Properties = {}): void {
    for (const [name, value] of Object.entries(properties)) if (value !== undefined) this.#given.set(name, value);
  }

  /** A filter without that callback lets everything pass; one whose VM failed lets nothing pass. */
  #callback(name: string, part: 'headers' | 'body' | 'trailers', size: number, endOfStream: boolean): number | 'reply' {
    const { instance } = this.#root;
    if (instance.failure) return this.#fail();
    const last = part === 'trailers' ? [] : [endOfStream ? 1 : 0];
    const before = this.#reply;
    const result = instance.call(this, name, this.id, size, ...last) ?? 0;
    if (instance.failure) this.#fail();
    const stopped = instance.nextIterationStopped;
    instance.settle();
    if (this.#reply !== before) return 'reply';
    return stopped || this.#reset ? 1 : result;
  }

  #fail(): 'reply' {
    this.#answer({ status: 503, details: FAIL_STREAM_DETAILS, body: utf8(''), headers: [], grpcStatus: 14 });
    return 'reply';
  }

  /**
   * Answers the client. A first answer passes the filter on its way out; one that comes while a response is still in
   * the filter takes its place without passing; one after a whole answer is too late; and once an upstream's response
   * headers are out, all that is left is a reset.
   */
  #answer(reply: ReplyRequest): void {
    if (this.#ended || this.#reset || this.#answered) return;
    const underWay = this.#response.headers !== undefined;
    if (underWay && !this.#response.openHeaders) {
      this.#reset = true;
      return;
    }
    const request = this.#request.headers ?? new HeaderMap('request');
    const headers = replyHeaders(request, reply);
    let body = replyBody(request, reply);
    this.#reply = localReply(headers, body, reply.details);
    this.#given.set('response.code_details', reply.details);
    this.#request.action = 'reply';
    this.#phase = 'response';
    if (underWay || this.#root.instance.failure) {
      this.#response.headers = headers;
      this.#response.action = 'reply';
      this.#response.close();
      this.#answered = true;
      return;
    }
    const answered = this.#reply;
    this.#response.begin(headers, body.length === 0);
    if (body.length > 0 && this.#reply === answered) {
      this.#response.body(body, true);
      if (this.#response.sent.length > 0) body = this.#response.sent;
    }
    if (this.#reply === answered) this.#reply = localReply(headers, body, reply.details);
    this.#answered = true;
  }
}
