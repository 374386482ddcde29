import { expect, test } from 'vitest';
import { canonicalAddress, unroutable } from './ip-address.ts';

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['010.0.0.1', undefined],
  ['10.1', undefined],
  ['FD00:0:0::1', 'fd00::1'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['::FFFF:7f00:1', '127.0.0.1'],
  ['fe80::1%eth0', undefined],
  ['[::1]', undefined],
  ['None', undefined],
  ['', undefined],
])('%s is written %s', (text, expected) => expect(canonicalAddress(text)).toBe(expected));

test.each([
  ['127.9.9.9', 'loopback'],
  ['::1', 'loopback'],
  ['169.254.169.254', 'link-local'],
  ['fe80::1', 'link-local'],
  ['febf::1', 'link-local'],
  ['0.0.0.0', 'unspecified'],
  ['::', 'unspecified'],
  ['224.0.0.1', 'multicast'],
  ['255.255.255.255', 'multicast'],
  ['ff02::1', 'multicast'],
  ['10.0.0.1', undefined],
  ['fd00::1', undefined],
  ['ff::1', undefined],
])('%s is %s', (address, expected) => expect(unroutable(address)).toBe(expected));
