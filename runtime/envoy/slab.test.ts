import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Slab } from './slab.ts';

const seed = Number(process.env['PORTOLAN_SEED'] ?? Date.now() % 1e9);

describe('Slab', () => {
  it('keeps every message as it was written, however many and large they are', () => {
    const part = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc.uint8Array({ maxLength: 40 }),
      fc.nat(70_000).map((size) => new Uint8Array(size).fill(size & 255)),
    );
    fc.assert(
      fc.property(fc.array(fc.array(part, { maxLength: 6 }), { maxLength: 12 }), (messages) => {
        const slab = new Slab();
        const written = messages.map((parts) => {
          slab.begin();
          for (const each of parts) {
            if (typeof each === 'string') slab.text(each);
            else slab.raw(each);
          }
          return slab.finish();
        });
        const expected = messages.map((parts) => Buffer.concat(parts.map((each) => Buffer.from(each)).reverse()));
        expect(written.map((each) => Buffer.from(each).equals(expected.shift() ?? Buffer.of()))).toEqual(
          messages.map(() => true),
        );
      }),
      { seed, numRuns: 100, verbose: true },
    );
  });

  it('moves a message to new room without a trace in the one before, whatever is written at the border', () => {
    // Messages of every length from 1 on put the border everywhere; each is a length and what it is the length of.
    const slab = new Slab();
    const written = Array.from({ length: 700 }, (_, length) => {
      slab.begin();
      slab.partEnds();
      slab.text('x'.repeat(length));
      slab.partBegins();
      return slab.finish();
    });
    for (const [length, message] of written.entries()) {
      const head = length < 128 ? [length] : [(length & 127) | 128, length >> 7];
      expect(Buffer.from(message)).toEqual(Buffer.from([...head, ...Buffer.from('x'.repeat(length))]));
    }
  });

  it('forgets a message that was not finished', () => {
    const slab = new Slab();
    slab.begin();
    slab.partEnds();
    slab.text('left over');
    slab.begin();
    slab.text('whole');
    expect(Buffer.from(slab.finish()).toString()).toBe('whole');
  });
});
