import { expect, test } from 'vitest';
import { domainsWithAliases, withAliases } from './trust-domain.ts';

// As pilot/pkg/security/trustdomain of Istio has it.
test.each<[string, readonly string[], readonly string[]]>([
  ['cluster.local/ns/a/sa/b', ['cluster.local'], ['cluster.local/ns/a/sa/b']],
  ['cluster.local/ns/a/sa/b', ['td1'], ['td1/ns/a/sa/b']],
  ['cluster.local/ns/a/sa/b', ['td1', 'td2'], ['td1/ns/a/sa/b', 'td2/ns/a/sa/b']],
  ['td2/ns/a/sa/b*', ['td1', 'td2'], ['td1/ns/a/sa/b*', 'td2/ns/a/sa/b*']],
  ['other/ns/a/sa/b', ['td1', 'td2'], ['other/ns/a/sa/b']],
  ['*/ns/a/sa/b', ['td1', 'td2'], ['*/ns/a/sa/b']],
  ['*', ['td1', 'td2'], ['*']],
  ['td1/ns/a/*', ['td1', 'td2'], ['td1/ns/a/*']],
  ['*/sa/b', ['td1', 'td2'], ['*/sa/b']],
  ['*-td/ns/a/sa/b', ['new-td', 'old-td', 'td1'], ['*-td/ns/a/sa/b', 'td1/ns/a/sa/b']],
  ['td*/ns/a/sa/b', ['td1', 'other'], ['td1/ns/a/sa/b', 'other/ns/a/sa/b']],
])('%s in %s', (principal, domains, expected) => {
  expect(withAliases(principal, domains)).toEqual(expected);
});

test('trust domains', () => {
  expect(domainsWithAliases(['td1', 'x', 'td*'], ['td1', 'td2'])).toEqual(['td1', 'td2', 'x', 'td*']);
});
