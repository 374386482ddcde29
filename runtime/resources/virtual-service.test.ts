import { describe, expect, it } from 'vitest';
import { readItems } from './item.ts';

function read(kind: string, spec: object) {
  const [item] = readItems({ apiVersion: 'networking.istio.io/v1', kind, metadata: { name: 'r' }, spec }, false);
  return { state: item?.state, problems: item?.problems.map(({ code, path }) => `${code} ${path}`), item };
}

const http = (...routes: readonly object[]) => ({ hosts: ['reviews'], http: routes });
const to = (subset: string, weight?: number) => ({
  destination: { host: 'reviews', subset },
  ...(weight === undefined ? {} : { weight }),
});

describe('a VirtualService', () => {
  it('is read with matches, faults and destinations', () => {
    const { item, problems } = read(
      'VirtualService',
      http({
        match: [{ uri: { prefix: '/v1' }, headers: { end: { exact: 'x' }, any: {} }, method: { exact: 'GET' } }],
        fault: { delay: { fixedDelay: '5s', percentage: { value: 0.1 } }, abort: { httpStatus: 503, percent: 10 } },
        route: [to('v1', 90), to('v2', 10)],
        timeout: '1.5s',
      }),
    );
    expect(problems).toEqual([]);
    expect(item).toMatchObject({
      resource: {
        spec: {
          gateways: [],
          http: [
            {
              match: [{ uri: { prefix: '/v1' }, headers: { end: { exact: 'x' }, any: {} }, queryParams: {} }],
              fault: {
                delay: { fixedDelay: '5s', percentage: { value: 0.1 } },
                abort: { httpStatus: 503, percent: 10 },
              },
              route: [{ destination: { host: 'reviews', subset: 'v1' }, weight: 90 }, { weight: 10 }],
              timeout: '1.5s',
            },
          ],
        },
      },
    });
  });

  it.each<[string, object, string]>([
    ['two ways to match', http({ match: [{ uri: { prefix: '/', exact: '/' } }] }), 'PTL1106 spec.http[0].match[0].uri'],
    [
      'a status that is none',
      http({ fault: { abort: { httpStatus: 1000 } } }),
      'PTL1104 spec.http[0].fault.abort.httpStatus',
    ],
    ['no delay', http({ fault: { delay: { fixedDelay: '0s' } } }), 'PTL1104 spec.http[0].fault.delay.fixedDelay'],
    ['an empty fault', http({ fault: {} }), 'PTL1105 spec.http[0].fault'],
    [
      '101 percent',
      http({ fault: { abort: { httpStatus: 500, percentage: { value: 101 } } } }),
      'PTL1104 spec.http[0].fault.abort.percentage.value',
    ],
    ['a redirect and a route', http({ redirect: { uri: '/' }, route: [to('v1')] }), 'PTL1106 spec.http[0].redirect'],
    ['two destinations without weights', http({ route: [to('v1'), to('v2')] }), 'PTL1106 spec.http[0].route'],
    ['every host', { hosts: ['*'], http: [] }, 'PTL1104 spec.hosts[0]'],
    ['a bad expression', http({ match: [{ uri: { regex: '(' } }] }), 'PTL1111 spec.http[0].match[0].uri.regex'],
    [
      'a bad expression for a header',
      http({ match: [{ withoutHeaders: { a: { regex: '*' } } }] }),
      'PTL1111 spec.http[0].match[0].withoutHeaders[a].regex',
    ],
    [
      'a path too long to be matched without regard to case',
      http({ match: [{ uri: { prefix: `/${'a'.repeat(1200)}` }, ignoreUriCase: true }] }),
      'PTL1111 spec.http[0].match[0].uri.prefix',
    ],
    ['a negative timeout', http({ timeout: '-1s' }), 'PTL1104 spec.http[0].timeout'],
  ])('is not valid with %s', (_, spec, problem) => {
    expect(read('VirtualService', spec)).toMatchObject({ state: 'invalid', problems: [problem] });
  });

  it('names what it does not honour', () => {
    const route = {
      route: [to('v1')],
      retries: { attempts: 3 },
      mirror: { host: 'x' },
      match: [{ sourceLabels: { a: 'b' } }],
    };
    expect(read('VirtualService', { ...http(route), tcp: [{ route: [] }] })).toMatchObject({
      state: 'valid',
      problems: [
        'PTL1501 spec.http[0].match[0].sourceLabels',
        'PTL1501 spec.http[0].retries',
        'PTL1501 spec.http[0].mirror',
        'PTL1501 spec.tcp',
      ],
    });
  });
});

describe('a DestinationRule', () => {
  it('is read with subsets and policies', () => {
    const trafficPolicy = {
      loadBalancer: { simple: 'ROUND_ROBIN' },
      connectionPool: { tcp: { connectTimeout: '1s' } },
    };
    const subsets = [{ name: 'v1', labels: { version: 'v1' }, trafficPolicy }];
    expect(read('DestinationRule', { host: 'reviews', trafficPolicy, subsets })).toMatchObject({
      state: 'valid',
      problems: [],
      item: { resource: { spec: { host: 'reviews', trafficPolicy, subsets } } },
    });
  });

  it('names what it does not honour', () => {
    const trafficPolicy = { outlierDetection: { consecutive5xxErrors: 1 }, tls: { mode: 'SIMPLE' } };
    expect(read('DestinationRule', { host: 'reviews', trafficPolicy }).problems).toEqual([
      'PTL1501 spec.trafficPolicy.outlierDetection',
      'PTL1501 spec.trafficPolicy.tls.mode',
    ]);
    expect(read('DestinationRule', { host: 'x', trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } }).problems).toEqual(
      [],
    );
  });
});
