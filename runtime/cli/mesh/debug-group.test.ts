import { describe, expect, it } from 'vitest';
import { Failure } from '../failure.ts';
import { callerMatches } from './debug-group.ts';

describe('--explain-to', () => {
  it.each([
    ['app/web', 'exact', 'spiffe://td/ns/app/sa/web'],
    ['spiffe://td/ns/app/sa/web', 'exact', 'spiffe://td/ns/app/sa/web'],
    ['app/*', 'prefix', 'spiffe://td/ns/app/sa/'],
    ['app/we*', 'prefix', 'spiffe://td/ns/app/sa/we'],
    ['td/ns/app/*', 'prefix', 'spiffe://td/ns/app/'],
    ['spiffe://td/*', 'prefix', 'spiffe://td/'],
    ['*', 'prefix', ''],
  ])('%s', (text, kind, value) => {
    expect(callerMatches([text], 'td')).toEqual([{ kind, value }]);
  });

  it('takes several', () => {
    expect(callerMatches(['a/b, c/d', 'e/f'], 'td')).toHaveLength(3);
  });

  it.each(["a'b/*", 'web', "x') || true || ('*", 'a\\b*'])('refuses %s', (text) => {
    expect(() => callerMatches([text], 'td')).toThrow(Failure);
  });
});
