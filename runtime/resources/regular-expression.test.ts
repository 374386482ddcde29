import { describe, expect, it } from 'vitest';
import { MAX_PROGRAM_SIZE } from '#model/regular-expression.ts';
import { matchesWholly, regexProblem } from './regular-expression.ts';

describe('a regular expression', () => {
  it.each([
    '/v[0-9]+',
    '(?i)gold|silver',
    '\\d{1,3}(\\.\\d{1,3}){3}',
    '[^/]+',
    '日本.*',
    'a{996}',
    '\\pL+',
    '{',
    'x{0}',
  ])('%s can be used', (expression) => expect(regexProblem(expression)).toBeUndefined());

  it.each([
    ['(', 'missing closing )'],
    ['/(?!admin).*', 'invalid or unsupported Perl syntax'],
    ['(?<=a)b', 'invalid named capture'],
    ['(a)\\1', 'invalid escape sequence'],
    ['a**', 'invalid nested repetition operator'],
    ['[b-a]', 'invalid character class range'],
    ['a{2,1}', 'invalid repeat count'],
    ['a{1001}', 'invalid repeat count'],
    ['('.repeat(1500) + ')'.repeat(1500), 'nests too deeply'],
  ])('%s is not of RE2', (expression, words) => expect(regexProblem(expression)).toContain(words));

  it.each(['a{997}', '[0-9a-f-]{400}', '\\W{300}', '.{600}', 'x'.repeat(1024)])('%s is too large', (expression) => {
    expect(regexProblem(expression)).toMatch(`and Envoy takes ${MAX_PROGRAM_SIZE}`);
  });

  it('that repeats itself without end is refused at once, and again without a look', () => {
    const expression = '\\d{1,1000}'.repeat(100);
    const began = performance.now();
    for (let i = 0; i < 1_000; i++) expect(regexProblem(expression)).toContain('more than 2000 instructions');
    expect(performance.now() - began).toBeLessThan(500);
    // Braces that are literal are no repetition.
    expect(regexProblem('\\{9999}')).toBeUndefined();
  });

  it('matches the whole text, byte by byte', () => {
    expect(matchesWholly('a|ab', 'ab')).toBe(true);
    expect(matchesWholly('a', 'ab')).toBe(false);
    expect(matchesWholly('(?i)gold', 'GOLD')).toBe(true);
    expect(matchesWholly('..', 'é')).toBe(true);
    expect(matchesWholly('é+', 'é')).toBe(true);
    expect(matchesWholly('(', '(')).toBe(false);
  });
});
