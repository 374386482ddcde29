import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAuthority, parseAuthority } from './authority.ts';

describe('the authority of a CONNECT', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 1, max: 65_535 }), (written, port) => {
        const address = written.includes(':') ? new URL(`http://[${written}]`).hostname.slice(1, -1) : written;
        expect(parseAuthority(formatAuthority({ address, port }))).toEqual({ address, port });
      }),
    );
  });

  it('has one spelling for one place', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abcfx.:[]%-+ /'.split('')) }), (text) => {
        const parsed = parseAuthority(text);
        if (parsed) expect(formatAuthority(parsed)).toBe(text);
      }),
      { numRuns: 20_000 },
    );
  });

  it.each([
    '10.96.0.10',
    '10.96.0.10:',
    '10.96.0.10:0',
    '10.96.0.10:09080',
    '10.96.0.10:65536',
    '10.96.0.10:+80',
    '010.96.0.10:80',
    '10.96.10:80',
    '0x0a600010:80',
    '10.96.0.256:80',
    '10.96.0.10.:80',
    '10.96.0.10:80,b:80',
    'a@10.96.0.10:80',
    '10.96.0.10:80/',
    'reviews.default.svc:9080',
    'localhost:80',
    'fd00::a:80',
    '[fd00::a]',
    '[FD00::A]:80',
    '[fd00:0::a]:80',
    '[::ffff:10.96.0.10]:80',
    '[fe80::1%eth0]:80',
    '[10.96.0.10]:80',
    '',
  ])('is not %j', (text) => {
    expect(parseAuthority(text)).toBeUndefined();
  });
});
