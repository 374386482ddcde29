import { STATUS_NOT_FOUND, STATUS_OK, STATUS_SERIALIZATION_FAILURE } from './abi.ts';
import { encodePairs, type HeaderMap } from './headers.ts';
import { grpcStatusOf } from './grpc.ts';
import { latin1, utf8 } from './memory.ts';

/** Whole numbers are int64 (durations and times in nanoseconds), texts are UTF-8. */
export type PropertyValue = string | number | bigint | boolean | Uint8Array;

/**
 * A property's path with dots where the ABI has NULs: `source.address`, `filter_state.io.istio.peer_principal`,
 * `xds.route_name`. What is taken from the headers (`request.path`, `response.code`, …) need not be given.
 */
type PropertyName =
  | `${'source' | 'destination'}.${'address' | 'port'}`
  | `${'connection' | 'upstream' | 'xds' | 'filter_state' | 'upstream_filter_state'}.${string}`
  | `${'request' | 'response' | 'metadata'}.${string}`
  /** Bytes of `encodeMetadata`; empty when not given. Its parts (`metadata.filter_metadata.…`) are given on their own. */
  | 'metadata'
  | 'connection_id';

export type Properties = Readonly<Partial<Record<PropertyName, PropertyValue>>>;

export type Phase = 'request' | 'response' | 'log';

/** What a stream has to answer with when its filter asks for a property. */
export interface PropertySource {
  readonly phase: Phase;
  readonly given: ReadonlyMap<string, PropertyValue>;
  /** Filter state that the filter wrote itself, by the path it gave. */
  readonly written: ReadonlyMap<string, Uint8Array>;
  readonly plugin: { readonly name: string; readonly rootId: string; readonly vmId: string };
  /** The maps that Envoy still has in this phase; request headers are gone in the response phase. */
  readonly requestHeaders: HeaderMap | undefined;
  readonly responseHeaders: HeaderMap | undefined;
}

export interface PropertyAnswer {
  readonly status: number;
  readonly bytes: Uint8Array;
}

const NOTHING = new Uint8Array(0);
const absent: PropertyAnswer = { status: STATUS_NOT_FOUND, bytes: NOTHING };
const unserializable: PropertyAnswer = { status: STATUS_SERIALIZATION_FAILURE, bytes: NOTHING };
const found = (bytes: Uint8Array): PropertyAnswer => ({ status: STATUS_OK, bytes });
const header = (value: string | undefined): PropertyAnswer => (value === undefined ? absent : found(latin1(value)));

/** What has parts but cannot be given as a whole. */
const WHOLE_MAPS = new Set([
  'request',
  'response',
  'connection',
  'source',
  'destination',
  'upstream',
  'xds',
  'filter_state',
]);

/** Properties of a request that stay readable in the response phase although its headers are gone. */
const OUTLIVES_REQUEST = new Set(['time', 'protocol', 'size', 'total_size']);
/** Known only when the stream is over. */
const LOG_ONLY = new Set(['request.duration', 'response.backend_latency', 'connection.termination_details']);
/** There from the start, and empty or 0 until something happened. */
const EMPTY_BEFORE_RESPONSE = new Set([
  'response.flags',
  'response.size',
  'response.total_size',
  'upstream.request_attempt_count',
]);

/** Bytes of a value as the ABI gives them: int64 little-endian, bool one byte, text as UTF-8. */
function encodeProperty(value: PropertyValue): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return utf8(value);
  if (typeof value === 'boolean') return Uint8Array.of(value ? 1 : 0);
  if (typeof value === 'bigint') return int64(value);
  if (!Number.isInteger(value)) throw new TypeError(`a property's number must be whole, got ${value}`);
  return int64(BigInt(value));
}

/** The answer to `proxy_get_property` for a path cut at its NULs, as Envoy 1.40 gives it in that phase. */
export function findProperty(source: PropertySource, path: readonly string[]): PropertyAnswer {
  const [top = '', ...rest] = path;
  const name = path.join('.');
  if (rest.length === 0 && WHOLE_MAPS.has(top)) return unserializable;
  switch (top) {
    case 'plugin_name':
      return rest.length === 0 ? found(utf8(source.plugin.name)) : absent;
    case 'plugin_root_id':
      return rest.length === 0 ? found(utf8(source.plugin.rootId)) : absent;
    case 'plugin_vm_id':
      return rest.length === 0 ? found(utf8(source.plugin.vmId)) : absent;
    case 'filter_state':
      return filterState(source, rest);
    case 'request':
      return request(source, rest, name);
    case 'response':
      return response(source, rest, name);
    case 'upstream':
      return upstream(source, name);
    case 'metadata':
      return rest.length === 0 && !source.given.has(name) ? found(NOTHING) : given(source, name);
    case 'source':
    case 'destination':
    case 'connection':
    case 'connection_id':
    case 'xds':
      return LOG_ONLY.has(name) && source.phase !== 'log' ? absent : given(source, name);
    default: {
      // Any other first segment is looked up in what the filter wrote itself.
      const own = rest.length === 0 ? source.written.get(top) : undefined;
      return own ? found(own) : absent;
    }
  }
}

function given(source: PropertySource, name: string): PropertyAnswer {
  const value = source.given.get(name);
  return value === undefined ? absent : found(encodeProperty(value));
}

function upstream(source: PropertySource, name: string): PropertyAnswer {
  if (source.phase === 'request') return early(name);
  if (source.given.has(name) || name !== 'upstream.request_attempt_count') return given(source, name);
  return found(int64(source.given.has('upstream.address') ? 1n : 0n));
}

/** A key is one segment, whatever dots it has. */
function filterState(source: PropertySource, rest: readonly string[]): PropertyAnswer {
  const [key = ''] = rest;
  if (rest.length !== 1) return absent;
  const own = key.startsWith('wasm.') ? source.written.get(key.slice('wasm.'.length)) : undefined;
  return own ? found(own) : given(source, `filter_state.${key}`);
}

function request(source: PropertySource, rest: readonly string[], name: string): PropertyAnswer {
  const [field = '', key] = rest;
  if (LOG_ONLY.has(name) && source.phase !== 'log') return absent;
  if (OUTLIVES_REQUEST.has(field)) return source.given.has(name) ? given(source, name) : found(int64(0n));
  const headers = source.requestHeaders;
  if (name === 'request.headers') return found(encodePairs(headers?.entries ?? []));
  if (!headers) return absent;
  if (field === 'headers') return rest.length === 2 && key !== undefined ? header(headers.get(key)) : absent;
  if (rest.length !== 1) return absent;
  if (source.given.has(name)) return given(source, name);
  const path = headers.get(':path');
  switch (field) {
    case 'path':
      return header(path);
    case 'url_path':
      return header(path?.split('?', 1)[0]);
    case 'query':
      return path === undefined ? absent : header(queryOf(path));
    case 'host':
      return header(headers.get(':authority'));
    case 'method':
      return header(headers.get(':method'));
    case 'scheme':
      return header(headers.get(':scheme'));
    case 'referer':
      return header(headers.get('referer'));
    case 'useragent':
      return header(headers.get('user-agent'));
    case 'id':
      return header(headers.get('x-request-id'));
    default:
      return absent;
  }
}

function response(source: PropertySource, rest: readonly string[], name: string): PropertyAnswer {
  const [field = '', key] = rest;
  if (LOG_ONLY.has(name) && source.phase !== 'log') return absent;
  if (source.phase === 'request') return early(name);
  const headers = source.responseHeaders;
  if (name === 'response.headers') return found(encodePairs(headers?.entries ?? []));
  if (field === 'headers') return rest.length === 2 && key !== undefined ? header(headers?.get(key)) : absent;
  if (source.given.has(name)) return given(source, name);
  if (field === 'code' && headers) return found(int64(BigInt(headers.get(':status') ?? 0)));
  if (field === 'grpc_status' && headers) return found(int64(BigInt(grpcStatus(headers))));
  return EMPTY_BEFORE_RESPONSE.has(name) ? found(int64(0n)) : absent;
}

const early = (name: string): PropertyAnswer => (EMPTY_BEFORE_RESPONSE.has(name) ? found(int64(0n)) : absent);

/** What gRPC says, or what gRPC's table makes of the HTTP status. */
function grpcStatus(headers: HeaderMap): number {
  const said = headers.get('grpc-status');
  return said === undefined ? grpcStatusOf(Number(headers.get(':status'))) : Number(said);
}

function queryOf(path: string): string {
  const mark = path.indexOf('?');
  return mark < 0 ? '' : path.slice(mark + 1).split('#', 1)[0]!;
}

function int64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, value, true);
  return bytes;
}
