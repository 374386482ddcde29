import { expect, it } from 'vitest';
import { FIELD_COUNT } from '#abi/metrics.ts';
import { ProgramError } from '../program.ts';
import { compileMetrics } from './compile.ts';
import { disassemble } from './disassemble.ts';
import { STATS_TAGS } from './tags.ts';

it('prints what it compiled', () => {
  expect(disassemble(compileMetrics())).toMatchInlineSnapshot(`
    "metrics, format 2, 20 bytes
      at most 2000 series
    "
  `);
});

it('is not read as something else', () => {
  expect(() => disassemble(new Uint8Array(20))).toThrow(ProgramError);
});

it("has Istio's 25 labels, each by an expression that is tried on our statistics only", () => {
  expect(new Set(STATS_TAGS.map(({ tagName }) => tagName)).size).toBe(25);
  for (const { regex } of STATS_TAGS) expect(regex.startsWith('^wasmcustom\\.')).toBe(true);
});

it('every field of a name is some label, so that nothing of the labels stays in the name', () => {
  const name = `wasmcustom.istio_requests_total${Array.from({ length: FIELD_COUNT }, (_, i) => `.v${i};`).join('')}`;
  const values = STATS_TAGS.map(({ regex }) => new RegExp(regex).exec(name)?.[2]).filter(
    (value) => value !== undefined,
  );
  expect(new Set(values)).toEqual(new Set(Array.from({ length: FIELD_COUNT }, (_, i) => `v${i}`)));
});
