import { describe, expect, it } from 'vitest';
import { ResourceStore } from './store.ts';

function read(spec: unknown) {
  const text = JSON.stringify({
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    metadata: { name: 'tokens', namespace: 'shop' },
    spec,
  });
  const set = new ResourceStore().update(new Map([['tokens.yaml', text]]));
  return {
    spec: set.get('RequestAuthentication', 'shop', 'tokens')?.spec,
    findings: set.findings,
    problems: set.findings.map(({ code, path }) => `${code} ${path}`),
    invalid: set.invalid,
  };
}

const rules = (...jwtRules: readonly unknown[]) => ({ jwtRules });

describe('RequestAuthentication', () => {
  it('may be empty, and say everything', () => {
    expect(read({})).toMatchObject({ problems: [], spec: { jwtRules: [], targetRefs: [] } });
    expect(read(rules({ issuer: 'a', jwks: '', jwksUri: '' })).problems).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['an issuer', { issuer: '' }, 'PTL1104 spec.jwtRules[0].issuer'],
    ['audiences that say something', { issuer: 'a', audiences: [''] }, 'PTL1104 spec.jwtRules[0].audiences[0]'],
    ['a URL', { issuer: 'a', jwksUri: 'keys' }, 'PTL1104 spec.jwtRules[0].jwksUri'],
    ['a URL of http', { issuer: 'a', jwks_uri: 'file:///etc/passwd' }, 'PTL1104 spec.jwtRules[0].jwks_uri'],
    ['a URL without a secret', { issuer: 'a', jwksUri: 'https://u:p@a.example/' }, 'PTL1104 spec.jwtRules[0].jwksUri'],
    ['keys', { issuer: 'a', jwks: '{}' }, 'PTL1701 spec.jwtRules[0].jwks'],
    [
      'one source of keys',
      { issuer: 'a', jwksUri: 'https://a.example/', jwks_uri: 'https://a.example/' },
      'PTL1106 spec.jwtRules[0]',
    ],
    [
      'names of headers',
      { issuer: 'a', fromHeaders: [{ name: 'a b' }] },
      'PTL1104 spec.jwtRules[0].fromHeaders[0].name',
    ],
    [
      'prefixes that a header can have',
      { issuer: 'a', fromHeaders: [{ name: 'a', prefix: 'x\n' }] },
      'PTL1104 spec.jwtRules[0].fromHeaders[0].prefix',
    ],
    ['names of parameters', { issuer: 'a', fromParams: [''] }, 'PTL1104 spec.jwtRules[0].fromParams[0]'],
    ['names of cookies', { issuer: 'a', fromCookies: ['a;b'] }, 'PTL1104 spec.jwtRules[0].fromCookies[0]'],
    [
      'a claim for a header',
      { issuer: 'a', outputClaimToHeaders: [{ header: 'x' }] },
      'PTL1105 spec.jwtRules[0].outputClaimToHeaders[0].claim',
    ],
    [
      'a header that is none of HTTP/2',
      { issuer: 'a', outputPayloadToHeader: ':path' },
      'PTL1104 spec.jwtRules[0].outputPayloadToHeader',
    ],
    ['a timeout', { issuer: 'a', timeout: '0s' }, 'PTL1104 spec.jwtRules[0].timeout'],
    ['known fields', { issuer: 'a', jwksURI: 'x' }, 'PTL1101 spec.jwtRules[0].jwksURI'],
  ])('wants %s', (_, rule, problem) => {
    const { problems, invalid } = read(rules(rule));
    expect(problems).toContain(problem);
    expect(invalid).toMatchObject([{ ref: { name: 'tokens' } }]);
  });

  it('has targets or a selector, of its own namespace', () => {
    const target = { group: '', kind: 'Service', name: 'web' };
    const selector = { matchLabels: { app: 'web' } };
    expect(read({ selector, targetRefs: [target] }).problems).toEqual(['PTL1310 spec']);
    expect(read({ targetRefs: [{ ...target, namespace: 'other' }] }).problems).toEqual([
      'PTL1310 spec.targetRefs[0].namespace',
    ]);
    expect(read({ targetRef: { ...target, kind: 'Pod' } }).problems).toEqual(['PTL1310 spec.targetRef']);
  });

  it('never tells a key', () => {
    const { findings } = read(rules({ issuer: 'a', jwks: '{"keys":[{"kty":"oct","k":"c2VjcmV0","alg":"none"}]}' }));
    expect(findings).toHaveLength(1);
    expect(JSON.stringify(findings)).not.toContain('c2VjcmV0');
  });
});
