import { describe, expect, it } from 'vitest';
import type { Model, ServicePort } from '#model/waypoint.ts';
import { destinationOf, meshUrl } from './destination.ts';
import { EXIT } from './exit.ts';
import { Failure } from './failure.ts';

const port = (name: string, namespace: string, number: number, addresses: readonly string[]): ServicePort => ({
  service: { name, namespace, host: `${name}.${namespace}.svc.cluster.local` },
  port: number,
  addresses,
  protocol: 'http',
  backend: '',
  routes: [],
  authz: { policies: [] },
});

const model: Model = {
  ingresses: [],
  waypoints: [
    {
      namespace: 'app',
      name: 'wp',
      trustDomain: 'cluster.local',
      trustDomainAliases: [],
      extensionProviders: [],
      ports: [
        port('reviews', 'app', 9080, ['10.96.0.10', 'fd00::a']),
        port('reviews', 'other', 9080, ['10.96.0.11']),
        port('web', 'app', 80, ['10.96.0.12']),
      ],
      backends: [],
      workloads: [],
      workloadAuthz: { policies: [] },
      sources: [],
    },
  ],
};

const found = (url: string, namespace?: string): string => destinationOf(model, meshUrl(url), namespace).authority;
const failure = (url: string): Failure => {
  try {
    found(url);
  } catch (error) {
    if (error instanceof Failure) return error;
  }
  throw new Error(`${url} leads somewhere`);
};

describe('destinationOf', () => {
  it.each([
    ['http://reviews.app:9080/x', '10.96.0.10:9080'],
    ['reviews.app:9080', '10.96.0.10:9080'],
    ['http://reviews.other.svc:9080', '10.96.0.11:9080'],
    ['http://reviews.app.svc.cluster.local:9080', '10.96.0.10:9080'],
    ['http://web/', '10.96.0.12:80'],
    ['http://10.96.0.11:9080/', '10.96.0.11:9080'],
    ['http://[fd00:0::a]:9080/', '[fd00::a]:9080'],
  ])('%s is %s', (url, authority) => {
    expect(found(url)).toBe(authority);
  });

  it('takes a short name in the namespace that is given', () => {
    expect(found('http://reviews:9080', 'other')).toBe('10.96.0.11:9080');
    expect(failure('http://reviews:9080')).toMatchObject({
      exit: EXIT.usage,
      message: expect.stringContaining('app, other') as string,
    });
  });

  it.each([
    ['http://reviews.app/', 'reviews.app has no port 80 behind a waypoint', 'one of: 9080'],
    ['http://review.app:9080/', 'no waypoint serves review.app', 'reviews.app'],
    ['http://10.96.0.99:9080/', 'no waypoint serves 10.96.0.99', 'reviews.app'],
  ])('%s: %s', (url, message, expected) => {
    const { exit, message: came, details } = failure(url);
    expect(exit).toBe(EXIT.failed);
    expect(came).toBe(message);
    expect(details.expected).toContain(expected);
  });

  it.each(['https://reviews.app/', 'http://', 'ftp://x'])('%s is not asked', (url) => {
    expect(failure(url).exit).toBe(EXIT.usage);
  });
});
