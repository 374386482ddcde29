import type { Duplex } from 'node:stream';

/** HTTP/2 by hand: what a library would not send. */
export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 1;
export const END_HEADERS = 4;
const ACK = 1;

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export type Fields = readonly (readonly [name: string, value: string])[];

/** How a stream fared: a status, or how it was refused. */
export type Answer = number | 'reset' | 'goaway' | 'closed' | 'silent';

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};

/** A header block of literals, none of them indexed or compressed, so that any byte can stand anywhere. */
export const block = (fields: Fields): Buffer =>
  Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));

/** A literal that enters the table, as the entry that index 62 refers to from then on. */
export const indexed = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.of(0x40), text(name), text(value)]);

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([integer(bytes.length), bytes]);
}

function integer(value: number): Buffer {
  if (value < 127) return Buffer.of(value);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  return Buffer.of(...bytes, rest);
}

export const request = (path: string, more: Fields = [], method = 'GET'): Fields => [
  [':method', method],
  [':scheme', 'http'],
  [':authority', 'web'],
  [':path', path],
  ...more,
];

/** SETTINGS_HEADER_TABLE_SIZE 0: whoever answers then writes every status out, and we need no table. */
const NO_TABLE = Buffer.of(0, 1, 0, 0, 0, 0);

/** A connection of which every frame is made by hand. */
export class Http2Peer {
  readonly frames: Frame[] = [];
  closed = false;
  readonly #stream: Duplex;
  #rest = Buffer.alloc(0);
  #next = 1;
  readonly #waiting = new Set<() => void>();

  constructor(stream: Duplex, settings: Uint8Array = Buffer.alloc(0)) {
    this.#stream = stream;
    const end = (): void => {
      this.closed = true;
      this.#wake();
    };
    stream.on('data', (chunk: Buffer) => this.#read(chunk));
    stream.on('error', end).on('end', end).on('close', end);
    this.send(
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      frame(SETTINGS, 0, 0, Buffer.concat([NO_TABLE, settings])),
    );
  }

  send(...frames: readonly Uint8Array[]): void {
    if (!this.#stream.destroyed && !this.closed) this.#stream.write(Buffer.concat(frames));
  }

  /** The number of the next stream. */
  next(): number {
    const number = this.#next;
    this.#next += 2;
    return number;
  }

  /** Sends a request of one HEADERS frame and gives its stream. */
  request(fields: Fields, flags = END_STREAM | END_HEADERS): number {
    const stream = this.next();
    this.send(frame(HEADERS, flags, stream, block(fields)));
    return stream;
  }

  async answer(stream: number, waitMs = 1_500): Promise<Answer> {
    await this.until(() => this.#answerNow(stream) !== undefined, waitMs);
    return this.#answerNow(stream) ?? 'silent';
  }

  #answerNow(stream: number): Answer | undefined {
    const own = this.frames.filter((one) => one.stream === stream);
    const headers = own.filter(({ type }) => type === HEADERS).map(({ payload }) => statusOf(payload));
    const final = headers.find((status) => status >= 200);
    if (final !== undefined) return final;
    if (own.some(({ type }) => type === RST_STREAM)) return 'reset';
    if (this.frames.some(({ type }) => type === GOAWAY)) return 'goaway';
    return this.closed ? 'closed' : undefined;
  }

  /** Waits until it holds or time is up. */
  async until(holds: () => boolean, waitMs = 1_500): Promise<boolean> {
    const end = Date.now() + waitMs;
    while (!holds() && Date.now() < end) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(1, end - Date.now()));
        const wake = (): void => {
          clearTimeout(timer);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
    return holds();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 9) {
      const size = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + size) break;
      const one: Frame = {
        type: this.#rest[3] ?? 0,
        flags: this.#rest[4] ?? 0,
        stream: this.#rest.readUInt32BE(5) & 0x7fffffff,
        payload: this.#rest.subarray(9, 9 + size),
      };
      this.#rest = this.#rest.subarray(9 + size);
      this.frames.push(one);
      if (one.type === SETTINGS && (one.flags & ACK) === 0) this.send(frame(SETTINGS, ACK, 0));
    }
    this.#wake();
  }
}

/** Indices of HPACK's static table. */
const STATIC_STATUS = [200, 204, 206, 304, 400, 404, 500];
/** Huffman codes of the digits: bits and their count. */
const DIGITS: readonly (readonly [code: number, size: number])[] = [
  [0x0, 5],
  [0x1, 5],
  [0x2, 5],
  [0x19, 6],
  [0x1a, 6],
  [0x1b, 6],
  [0x1c, 6],
  [0x1d, 6],
  [0x1e, 6],
  [0x1f, 6],
];

/** `:status`, which comes first in a block: as an entry of the static table, or as a literal of it. */
function statusOf(payload: Buffer): number {
  let at = 0;
  // A change of the table's size may come before.
  while (at < payload.length && ((payload[at] ?? 0) & 0xe0) === 0x20) at++;
  const first = payload[at] ?? 0;
  if (first >= 0x88 && first <= 0x8e) return STATIC_STATUS[first - 0x88] ?? 0;
  const size = payload[at + 1] ?? 0;
  const value = payload.subarray(at + 2, at + 2 + (size & 0x7f));
  return Number((size & 0x80) === 0 ? value.toString('latin1') : huffmanDigits(value));
}

function huffmanDigits(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let text = '';
  for (let at = 0; at < bits.length;) {
    const digit = DIGITS.findIndex(
      ([code, size]) => bits.slice(at, at + size) === code.toString(2).padStart(size, '0'),
    );
    if (digit < 0) break;
    text += digit;
    at += DIGITS[digit]?.[1] ?? 8;
  }
  return text;
}
