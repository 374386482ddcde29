import fc from 'fast-check';
import { expect, it } from 'vitest';
import { versionOf } from './version.ts';

const seed = Number(process.env['PORTOLAN_SEED'] ?? Date.now() % 1e9);

it('is the same in every run, because an Envoy that stays brings its versions along', () => {
  expect(versionOf(new Uint8Array())).toBe('e08a2e551964d83b');
  expect(versionOf(Buffer.from('portolan'))).toBe('9abf32b5a3d8278c');
});

it('follows from the bytes alone, wherever they lie', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(9), (bytes, offset) => {
      const room = new Uint8Array(bytes.length + 20).fill(255);
      room.set(bytes, offset);
      expect(versionOf(room.subarray(offset, offset + bytes.length))).toBe(versionOf(bytes));
    }),
    { seed, verbose: true },
  );
});

it('differs between contents that differ in one bit, one length or one place', () => {
  const base = Uint8Array.from({ length: 70 }, (_, index) => index);
  const variants = [base, new Uint8Array(70), new Uint8Array(71), new Uint8Array(72), base.toReversed()];
  for (let bit = 0; bit < base.length * 8; bit++) {
    const changed = base.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    variants.push(changed);
  }
  for (let length = 0; length < base.length; length++) variants.push(base.subarray(0, length));
  expect(new Set(variants.map(versionOf)).size).toBe(variants.length);
  for (const half of [0, 8]) {
    const halves = variants.map((bytes) => versionOf(bytes).slice(half, half + 8));
    expect(new Set(halves).size).toBe(variants.length);
  }
});
