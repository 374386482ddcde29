import { STATUS_BAD_ARGUMENT, STATUS_NOT_FOUND, STATUS_OK } from './abi.ts';
import type { Header, HeaderMap } from './headers.ts';
import type { PropertyAnswer } from './properties.ts';

/** A body, or a part of it, that a filter may read and change. */
export class Body {
  bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Envoy can replace the first `length` bytes and append; anything else is a bad argument. */
  write(start: number, length: number, data: Uint8Array): number {
    if (start === 0) this.bytes = join(data, this.bytes.subarray(length));
    else if (start >= this.bytes.length) this.bytes = join(this.bytes, data);
    else return STATUS_BAD_ARGUMENT;
    return STATUS_OK;
  }
}

/** What Envoy gives for a body that is not there: nothing to read, and not to be written. */
class NoBody extends Body {
  override write(): number {
    return STATUS_BAD_ARGUMENT;
  }
}

export const NO_BODY: Body = new NoBody(new Uint8Array(0));

/** Bytes one after the other. */
export function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** What a filter asked to be answered, before HTTP's own headers are added. */
export interface ReplyRequest {
  readonly status: number;
  readonly details: string;
  readonly body: Uint8Array;
  readonly headers: readonly Header[];
  /** undefined: none was given. */
  readonly grpcStatus: number | undefined;
}

/**
 * What host calls work on: a root, a stream or a connection. Everything that a context of its kind does not have is
 * answered here, the way Envoy answers.
 */
export class Context {
  readonly id: number;
  readonly rootId: number;

  constructor(id: number, rootId: number) {
    this.id = id;
    this.rootId = rootId;
  }

  /** The header map, or undefined when it is not there in this phase, or not there to be changed. */
  headerMap(_map: number, _change: boolean): HeaderMap | undefined {
    return undefined;
  }

  /** True while `proxy_on_log` runs: a header of a map that is not there is then absent instead of a bad argument. */
  get logging(): boolean {
    return false;
  }

  /** Called after a filter changed the request headers: Envoy picks the route again. */
  clearRouteCache(): void {}

  buffer(_type: number): Body | undefined {
    return undefined;
  }

  property(_path: readonly string[]): PropertyAnswer {
    return { status: STATUS_NOT_FOUND, bytes: new Uint8Array(0) };
  }

  setProperty(_path: string, _value: Uint8Array): number {
    return STATUS_NOT_FOUND;
  }

  /** Filter state of Envoy itself, by its own key. */
  setFilterState(_key: string, _value: string): number {
    return STATUS_NOT_FOUND;
  }

  continueStream(_stream: number): number {
    return STATUS_OK;
  }

  closeStream(_stream: number): number {
    return STATUS_OK;
  }

  sendReply(_reply: ReplyRequest): number {
    return STATUS_OK;
  }

  /** `proxy_done`: a root that asked for more time has had it. */
  done(): number {
    return STATUS_NOT_FOUND;
  }
}
