import type { Fault } from '#model/fault.ts';
import type { HeaderMutations, Route, Sticky } from '#model/route.ts';
import type { ServicePort } from '#model/waypoint.ts';

const NONE: HeaderMutations = { set: [], add: [], remove: [] };

/** The service port that tests of the features are about: reviews of Bookinfo, with these routes. */
export const servicePort = (routes: readonly Route[]): ServicePort => ({
  service: { namespace: 'bookinfo', name: 'reviews', host: 'reviews.bookinfo.svc.cluster.local' },
  port: 9080,
  addresses: ['10.96.0.10'],
  protocol: 'http',
  backend: 'inbound-vip|9080|http|reviews.bookinfo.svc.cluster.local',
  routes,
  authz: { policies: [] },
});

/** A route that forwards to backends by their weights. */
export const split = (name: string, weights: Readonly<Record<string, number>>, sticky?: Sticky): Route => ({
  name,
  match: { path: { kind: 'prefix', value: '/' }, headers: [], query: [] },
  action: {
    kind: 'forward',
    timeoutMs: 0,
    backends: Object.entries(weights).map(([backend, weight]) => ({
      backend,
      weight,
      requestHeaders: NONE,
      responseHeaders: NONE,
    })),
    ...(sticky === undefined ? {} : { sticky }),
  },
  requestHeaders: NONE,
  responseHeaders: NONE,
});

/** A route to one backend with a fault. */
export const faulty = (name: string, fault: Fault): Route => ({ ...split(name, { reviews: 1 }), fault });
