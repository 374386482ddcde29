import { expect, test } from 'vitest';
import { milliseconds } from './duration.ts';

test.each([
  ['0', 0],
  ['0s', 0],
  ['10s', 10_000],
  ['1h30m', 5_400_000],
  ['1.5s', 1_500],
  ['1.s', 1_000],
  ['100ms', 100],
  ['1us', 1],
  ['1m1s1ms', 61_001],
  ['', undefined],
  ['5', undefined],
  ['-1s', undefined],
  ['1s ', undefined],
  ['1d', undefined],
])('%s is %s', (text, expected) => expect(milliseconds(text)).toBe(expected));
