import * as fc from 'fast-check';
import { PROGRAM_CHECKSUM_OFFSET, PROGRAM_HEADER_SIZE, PROGRAM_LENGTH_OFFSET } from '#abi/program.ts';
import { checksum } from '#policy/writer.ts';

const EXTREMES = [0, 1, 2, 3, 7, 8, 15, 16, 255, 256, 65_535, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff];

/**
 * Programs that are broken in their body: numbers set to extremes, bytes changed, an end cut off or added. Length and
 * checksum are right again, so that it is the filter's check of the body that has to find out.
 */
export function mutation(program: Uint8Array): fc.Arbitrary<Uint8Array> {
  const at = fc.integer({ min: PROGRAM_HEADER_SIZE, max: program.length - 1 });
  const change = fc.oneof(
    fc.tuple(
      fc.constant('word' as const),
      at,
      fc.oneof(fc.constantFrom(...EXTREMES), fc.nat({ max: program.length + 8 })),
    ),
    fc.tuple(fc.constant('byte' as const), at, fc.nat({ max: 255 })),
  );
  const length = fc.oneof(
    { weight: 8, arbitrary: fc.constant(program.length) },
    { weight: 1, arbitrary: fc.integer({ min: PROGRAM_HEADER_SIZE, max: program.length + 16 }) },
  );
  return fc.tuple(fc.array(change, { minLength: 1, maxLength: 4 }), length).map(([changes, size]) => {
    const bytes = new Uint8Array(size);
    bytes.set(program.subarray(0, size));
    const view = new DataView(bytes.buffer);
    for (const [kind, place, value] of changes) {
      if (kind === 'byte' && place < size) bytes[place] = value;
      if (kind === 'word' && (place & ~3) + 4 <= size) view.setUint32(place & ~3, value, true);
    }
    view.setUint32(PROGRAM_LENGTH_OFFSET, size, true);
    view.setUint32(PROGRAM_CHECKSUM_OFFSET, checksum(bytes), true);
    return bytes;
  });
}

/** Seed and number of runs of a property test; the seed is printed by fast-check when it fails. */
export const runs = (numRuns: number): fc.Parameters<unknown> => ({
  numRuns,
  ...(process.env['PORTOLAN_SEED'] === undefined ? {} : { seed: Number(process.env['PORTOLAN_SEED']) }),
});
