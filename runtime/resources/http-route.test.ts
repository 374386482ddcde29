import { describe, expect, it } from 'vitest';
import { readItems } from './item.ts';

function read(spec: object) {
  const [item] = readItems(
    { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'r', namespace: 'app' }, spec },
    false,
  );
  return { state: item?.state, problems: item?.problems.map(({ code, path }) => `${code} ${path}`), item };
}

const rules = (...list: readonly object[]) => ({ rules: list });
const path = (type: string, value: string) => rules({ matches: [{ path: { type, value } }] });
const backend = { name: 'b', port: 80 };

describe('an HTTPRoute', () => {
  it('gets the defaults of the API', () => {
    const parentRefs = [{ group: '', kind: 'Service', name: 'reviews', port: 9080 }, { name: 'gateway' }];
    expect(read({ parentRefs, rules: [{ backendRefs: [backend] }] }).item).toMatchObject({
      resource: {
        spec: {
          parentRefs: [{ kind: 'Service' }, { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gateway' }],
          hostnames: [],
          rules: [
            {
              matches: [{ path: { type: 'PathPrefix', value: '/' }, headers: [], queryParams: [] }],
              filters: [],
              backendRefs: [{ group: '', kind: 'Service', name: 'b', port: 80, weight: 1, filters: [] }],
            },
          ],
        },
      },
    });
    expect(read({}).item).toMatchObject({ resource: { spec: { rules: [{ backendRefs: [] }] } } });
  });

  it('reads every filter to its own type', () => {
    const filters = [
      { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'a', value: 'b' }], remove: ['c'] } },
      { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } } },
      { type: 'RequestMirror', requestMirror: { backendRef: backend } },
      { type: 'ExtensionRef', extensionRef: { group: 'x.io', kind: 'X', name: 'x' } },
    ];
    const { item, problems, state } = read(rules({ filters, matches: [{}] }));
    expect(state).toBe('valid');
    expect(problems).toEqual([
      'PTL1501 spec.rules[0].filters[2].requestMirror',
      'PTL1501 spec.rules[0].filters[3].extensionRef',
    ]);
    expect(item).toMatchObject({
      resource: {
        spec: {
          rules: [
            {
              filters: [
                { type: 'RequestHeaderModifier', requestHeaderModifier: { add: [], remove: ['c'] } },
                { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } } },
                { type: 'RequestMirror' },
                { type: 'ExtensionRef' },
              ],
            },
          ],
        },
      },
    });
  });

  it.each<[string, object, string]>([
    ['a relative path', path('PathPrefix', 'a'), 'PTL1104 spec.rules[0].matches[0].path.value'],
    ['a path that climbs', path('Exact', '/a/../b'), 'PTL1104 spec.rules[0].matches[0].path.value'],
    ['a bad escape', path('Exact', '/a%zz'), 'PTL1104 spec.rules[0].matches[0].path.value'],
    [
      'a huge weight',
      rules({ backendRefs: [{ ...backend, weight: 4_294_967_296 }] }),
      'PTL1104 spec.rules[0].backendRefs[0].weight',
    ],
    ['a Service without a port', rules({ backendRefs: [{ name: 'b' }] }), 'PTL1105 spec.rules[0].backendRefs[0].port'],
    ['an address for a host', { hostnames: ['10.0.0.1'] }, 'PTL1104 spec.hostnames[0]'],
    ['an unknown method', rules({ matches: [{ method: 'get' }] }), 'PTL1104 spec.rules[0].matches[0].method'],
    ['a bad duration', rules({ timeouts: { request: '10' } }), 'PTL1104 spec.rules[0].timeouts.request'],
    [
      'a backend that waits longer',
      rules({ timeouts: { request: '1s', backendRequest: '1m' } }),
      'PTL1107 spec.rules[0].timeouts.backendRequest',
    ],
    [
      'a redirect and backends',
      rules({ filters: [{ type: 'RequestRedirect', requestRedirect: {} }], backendRefs: [backend] }),
      'PTL1106 spec.rules[0].backendRefs',
    ],
    [
      'two rewrites',
      rules({
        filters: [
          { type: 'URLRewrite', urlRewrite: {} },
          { type: 'URLRewrite', urlRewrite: {} },
        ],
      }),
      'PTL1107 spec.rules[0].filters[1].type',
    ],
    [
      'a status that is no redirect',
      rules({ filters: [{ type: 'RequestRedirect', requestRedirect: { statusCode: 304 } }] }),
      'PTL1104 spec.rules[0].filters[0].requestRedirect.statusCode',
    ],
    [
      'a prefix to replace and none to match',
      rules({
        matches: [{ path: { type: 'Exact', value: '/a' } }],
        filters: [
          { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } } },
        ],
      }),
      'PTL1106 spec.rules[0].matches',
    ],
    [
      'a bad header name',
      rules({ matches: [{ headers: [{ name: 'a b', value: 'x' }] }] }),
      'PTL1104 spec.rules[0].matches[0].headers[0].name',
    ],
    ['a path with look-ahead', path('RegularExpression', '/(?!a).*'), 'PTL1111 spec.rules[0].matches[0].path.value'],
    ['an empty expression', path('RegularExpression', ''), 'PTL1111 spec.rules[0].matches[0].path.value'],
    [
      'a header expression that does not end',
      rules({ matches: [{ headers: [{ name: 'a', type: 'RegularExpression', value: '(' }] }] }),
      'PTL1111 spec.rules[0].matches[0].headers[0].value',
    ],
    [
      'an expression that Envoy has no room for',
      rules({ matches: [{ queryParams: [{ name: 'a', type: 'RegularExpression', value: '[0-9a-f-]{400}' }] }] }),
      'PTL1111 spec.rules[0].matches[0].queryParams[0].value',
    ],
    ['a misspelt field', rules({ backendRef: [backend] }), 'PTL1101 spec.rules[0].backendRef'],
  ])('is not valid with %s', (_, spec, problem) => {
    expect(read(spec)).toMatchObject({ state: 'invalid', problems: [problem] });
  });
});
