import type { Dice } from './dice.ts';

// Values that are nearly each other: shared beginnings and endings, other case, dots that a careless pattern takes for
// any character, empty texts, escapes, queries, nested blocks.

const TRUST_DOMAINS = ['cluster.local', 'cluster.loca', 'CLUSTER.LOCAL', 'clusterxlocal'];
const NAMESPACES = ['foo', 'fo', 'foobar', 'FOO', 'a.b', 'axb', 'team-b'];
const ACCOUNTS = ['alice', 'alic', 'alicebob', 'Alice', 'bob', 'a.b', 'axb'];
const ODD_PRINCIPALS = [
  'spiffe://cluster.local/ns/fo/sa/x/ns/foo/sa/alice',
  'spiffe://cluster.local/ns/fo/sa/alice/ns/foo/sa/bob/sa/alice',
  'spiffe://cluster.local/ns/foo/x/sa/alice',
  'spiffe://cluster.local/ns/foo/sa/alice/',
  'spiffe://cluster.local/ns/foo/sa/alice/x',
  'spiffe://cluster.local/ns/foo/sa/',
  'spiffe:///ns/foo/sa/alice',
  'spiffe://',
  'cluster.local/ns/foo/sa/alice',
  'spiffe://cluster.local/ns/ns/sa/sa',
  'spiffe://cluster.local/ns/foo',
  'spiffe://cluster.local/ns/foo/',
  'spiffe://cluster.local//ns/foo/sa/alice',
  'spiffe://cluster.local',
  '',
];

const SEGMENTS = [
  'admin',
  'Admin',
  'adm',
  'api',
  'v1',
  'users',
  '1',
  'a.b',
  'axb',
  'x%2fy',
  'index.html',
  'a=b',
  '*',
  '',
  'admin;v=1',
  'adm;in',
  'adm%3Bin',
  '..;x',
  '.%3b',
  ';',
];
const TAILS = ['', '', '', '', '/', '?', '?x=/admin', '?a?b', '/?'];

export const METHODS = ['GET', 'POST', 'DELETE', 'PUT', 'HEAD'];
export const HOSTS = [
  'example.com',
  'Example.COM',
  'example.com:8080',
  'api.example.com',
  'xexample.com',
  'example.com.',
  'example.com.:8080',
  'example.com:',
];
export const PORTS = [80, 8080, 9080];
/** `user-agent` is one of those whose lines Envoy joins. */
export const HEADERS = ['x-role', 'x-env', 'user-agent', 'cookie'];
const HEADER_VALUES = [
  'admin',
  'adm',
  'Admin',
  'administrator',
  'guest',
  '',
  'admin,guest',
  'a.b',
  'axb',
  'guest admin',
];
const ADDRESSES = [
  '10.0.0.1',
  '10.0.0.2',
  '10.0.1.1',
  '10.128.0.1',
  '11.0.0.1',
  '192.168.0.1',
  '2001:db8::1',
  '2001:db8:1::1',
];

/** An identity of Istio's form; `odd` also gives such as only an attacker or a mistake would have, and none at all. */
export function principal(dice: Dice, odd: boolean): string | undefined {
  if (dice.chance(15)) return undefined;
  if (odd && dice.chance(15)) return dice.pick(ODD_PRINCIPALS);
  return `spiffe://${dice.pick(TRUST_DOMAINS)}/ns/${dice.pick(NAMESPACES)}/sa/${dice.pick(ACCOUNTS)}`;
}

export const namespace = (dice: Dice): string => dice.pick(NAMESPACES);

export const account = (dice: Dice): string => dice.pick(ACCOUNTS);

export const trustDomain = (dice: Dice): string => dice.pick(TRUST_DOMAINS);

export function path(dice: Dice): string {
  const depth = 1 + dice.below(4);
  return Array.from({ length: depth }, () => `/${dice.pick(SEGMENTS)}`).join('') + dice.pick(TAILS);
}

/** Of routes; empty: none matches. */
export const ROUTES = ['foo.r.0', 'foo.r.1', 'foo.r.0.1', 'default', ''];

export const headerValue = (dice: Dice): string => dice.pick(HEADER_VALUES);

export const address = (dice: Dice): string => dice.pick(ADDRESSES);

/** A block around one of the addresses: from the single one to all of its family. */
export function block(dice: Dice): { readonly address: string; readonly length: number } {
  const one = address(dice);
  const lengths = one.includes(':') ? [0, 16, 32, 47, 48, 64, 127, 128] : [0, 1, 8, 9, 16, 23, 24, 30, 31, 32];
  return { address: one, length: dice.pick(lengths) };
}
