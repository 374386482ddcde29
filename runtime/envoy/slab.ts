/** Room that is taken at once for many messages; one that needs more gets more. Whoever keeps one message keeps it all. */
const ROOM = 1 << 16;

/** So few bytes are copied faster one by one. */
const FEW = 24;

/**
 * Messages, one behind the other in few large buffers, each written from its end to its beginning. Protocol buffers put
 * the length of a part in front of it: from behind, the part is there already when its length is to be written, so one
 * pass does what otherwise takes two, and nothing is made on the way.
 */
export class Slab {
  #bytes = new Uint8Array(0);
  /** Where the message in hand begins, as far as it is written, and where it ends. */
  #at = 0;
  #end = 0;
  /** Sizes at which the parts that are being written end, the innermost last. */
  readonly #ends: number[] = [];
  #depth = 0;

  /** Begins a message. One that was not finished is forgotten. */
  begin(): void {
    this.#end = this.#at;
    this.#depth = 0;
  }

  /** The message in hand. */
  finish(): Uint8Array {
    return this.#bytes.subarray(this.#at, this.#end);
  }

  /** What is written until `partBegins` is a part, which gets its length in front. */
  partEnds(): void {
    this.#ends[this.#depth++] = this.#end - this.#at;
  }

  partBegins(): void {
    this.varint(this.#end - this.#at - this.#ends[--this.#depth]!);
  }

  raw(value: Uint8Array): void {
    const { length } = value;
    const at = this.#take(length);
    const bytes = this.#bytes;
    if (length > FEW) bytes.set(value, at);
    else for (let i = 0; i < length; i++) bytes[at + i] = value[i]!;
  }

  /** A text as UTF-8. */
  text(value: string): void {
    const { length } = value;
    const at = this.#take(length);
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 127) {
        this.#at = at + length;
        this.raw(Buffer.from(value));
        return;
      }
      bytes[at + i] = unit;
    }
  }

  varint(value: number): void {
    if (value < 0x80) {
      const at = this.#take(1);
      this.#bytes[at] = value;
      return;
    }
    let size = 1;
    for (let rest = value; rest > 0x7f; rest >>>= 7) size++;
    let at = this.#take(size);
    for (let rest = value; size > 0; rest >>>= 7) this.#bytes[at++] = --size === 0 ? rest : (rest & 0x7f) | 0x80;
  }

  /** May replace `#bytes`: call it first. */
  #take(count: number): number {
    if (count > this.#at) this.#grow(count);
    return (this.#at -= count);
  }

  /** The message in hand moves to new room, and leaves the ones before it where they are. */
  #grow(count: number): void {
    const written = this.#bytes.subarray(this.#at, this.#end);
    const room = Math.max(ROOM, 2 * (written.length + count));
    this.#bytes = new Uint8Array(Buffer.allocUnsafeSlow(room).buffer);
    this.#bytes.set(written, room - written.length);
    this.#at = room - written.length;
    this.#end = room;
  }
}
