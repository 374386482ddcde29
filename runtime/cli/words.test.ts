import { describe, expect, it } from 'vitest';
import { durationOf, shortDuration } from './duration.ts';
import { Failure } from './failure.ts';
import { headerOf } from './header.ts';
import { identityOf, shortIdentity } from './identity.ts';
import { closest } from './suggest.ts';

describe('identityOf', () => {
  it.each([
    ['app/web', 'spiffe://td/ns/app/sa/web'],
    ['ns/app/sa/web', 'spiffe://td/ns/app/sa/web'],
    ['spiffe://other/ns/app/sa/web', 'spiffe://other/ns/app/sa/web'],
  ])('%s', (text, id) => {
    expect(identityOf(text, 'td')).toBe(id);
  });

  it.each(['', 'web', 'a/b/c', 'ns/app/sa/', 'spiffe://td/x', '../web', 'spiffe://td/ns/a/sa/b/ns/c/sa/d'])(
    '"%s" is none',
    (text) => {
      expect(() => identityOf(text, 'td')).toThrow(Failure);
    },
  );

  it('is short where the trust domain is ours', () => {
    expect(shortIdentity('spiffe://td/ns/app/sa/web', 'td')).toBe('app/web');
    expect(shortIdentity('spiffe://other/ns/app/sa/web', 'td')).toBe('spiffe://other/ns/app/sa/web');
  });
});

describe('headerOf', () => {
  it('reads a name and a value', () => {
    expect(headerOf('X-User:  alice : b ')).toEqual(['X-User', 'alice : b']);
    expect(headerOf('x-empty:')).toEqual(['x-empty', '']);
  });

  it.each(['no colon', ': value', 'x y: 1', 'x: a\r\ny: b'])('%j is none', (text) => {
    expect(() => headerOf(text)).toThrow(Failure);
  });
});

describe('durations', () => {
  it('reads what flags say', () => {
    expect([durationOf('--t', '500ms'), durationOf('--t', '1m30s')]).toEqual([500, 90_000]);
    for (const text of ['', '5', '0s', '-1s', 'soon']) expect(() => durationOf('--t', text)).toThrow(Failure);
  });

  it('are short in tables', () => {
    expect([0, 41_000, 180_000, 86_400_000, 5 * 86_400_000].map(shortDuration)).toEqual([
      '0s',
      '41s',
      '3m',
      '24h',
      '5d',
    ]);
  });
});

describe('closest', () => {
  it('is what was probably meant, or nothing', () => {
    const words = ['check', 'curl', 'certs'];
    expect([closest('chek', words), closest('cer', words), closest('crul', words)]).toEqual(['check', 'certs', 'curl']);
    expect([closest('x', words), closest('', words), closest('whatever', words)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
