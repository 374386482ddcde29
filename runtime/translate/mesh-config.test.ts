import { describe, expect, it } from 'vitest';
import { ResourceStore } from '#resources/store.ts';
import { createTranslator } from './index.ts';

const gateway = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: shop}
spec: {gatewayClassName: portolan, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
`;

const configMap = (mesh: string, namespace = 'istio-system', name = 'istio'): string =>
  `apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, namespace: ${namespace}}
data:
  mesh: ${JSON.stringify(mesh)}
`;

function read(...documents: readonly string[]) {
  const store = new ResourceStore();
  const translate = createTranslator();
  const again = (...texts: readonly string[]) => {
    const resources = store.update(new Map([['mesh.yaml', [gateway, ...texts].join('---\n')]]));
    const { model, findings } = translate(resources);
    const all = [...resources.findings, ...findings];
    return {
      waypoint: model.waypoints[0]!,
      findings: all,
      codes: all.map(({ code, level, path }) => `${code} ${level} ${path}`),
    };
  };
  return { ...again(...documents), again };
}

describe('mesh configuration', () => {
  it('is not needed', () => {
    const { waypoint, codes } = read();
    expect(codes).toEqual([]);
    expect(waypoint).toMatchObject({ trustDomainAliases: [], extensionProviders: [] });
    expect(waypoint).not.toHaveProperty('pathNormalization');
  });

  it('says nothing where it has the defaults of an installation', () => {
    const { codes } = read(
      configMap(`defaultConfig:
  discoveryAddress: istiod.istio-system.svc:15012
defaultProviders:
  metrics: [prometheus]
enablePrometheusMerge: true
rootNamespace: istio-system
trustDomain: cluster.local
`),
    );
    expect(codes).toEqual([]);
  });

  it('gives aliases, normalization and authorizers to every waypoint', () => {
    const { waypoint, codes } = read(
      configMap(`trustDomainAliases: [old.local, cluster.local]
pathNormalization: {normalization: MERGE_SLASHES}
extensionProviders:
- name: opa
  envoyExtAuthzGrpc: {service: opa.example.com, port: 9191, timeout: 1.5s, failOpen: true}
- name: oauth2
  envoyExtAuthzHttp:
    service: auth/oauth2-proxy.example.com
    port: 4180
    pathPrefix: /check
    statusOnError: "503"
    clearRouteCache: true
    includeRequestHeadersInCheck: [Cookie, x-auth-*]
    includeAdditionalHeadersInCheck: {X-Auth-Request: "yes"}
    includeRequestBodyInCheck: {maxRequestBytes: 4096, allowPartialMessage: true}
    headersToUpstreamOnAllow: [Authorization]
    headersToDownstreamOnDeny: [set-cookie]
    headersToDownstreamOnAllow: [set-cookie]
- name: traces
  zipkin: {service: zipkin, port: 9411}
`),
    );
    expect(codes).toEqual(['PTL1501 info data.mesh.extensionProviders[2].zipkin']);
    expect(waypoint.trustDomainAliases).toEqual(['old.local']);
    expect(waypoint.pathNormalization).toBe('MERGE_SLASHES');
    expect(waypoint.extensionProviders.map(({ settings }) => settings)).toEqual([
      {
        name: 'opa',
        kind: 'grpc',
        service: 'opa.example.com',
        port: 9191,
        timeoutMs: 1500,
        failOpen: true,
        statusOnError: 403,
        clearRouteCache: false,
        pathPrefix: '',
        includeRequestHeadersInCheck: [],
        includeAdditionalHeadersInCheck: [],
        headersToUpstreamOnAllow: [],
        headersToDownstreamOnDeny: [],
        headersToDownstreamOnAllow: [],
      },
      {
        name: 'oauth2',
        kind: 'http',
        service: 'auth/oauth2-proxy.example.com',
        port: 4180,
        timeoutMs: 600_000,
        failOpen: false,
        statusOnError: 503,
        clearRouteCache: true,
        pathPrefix: '/check',
        includeRequestHeadersInCheck: ['cookie', 'x-auth-*'],
        includeAdditionalHeadersInCheck: [['x-auth-request', 'yes']],
        includeRequestBodyInCheck: { maxRequestBytes: 4096, allowPartialMessage: true, packAsBytes: false },
        headersToUpstreamOnAllow: ['authorization'],
        headersToDownstreamOnDeny: ['set-cookie'],
        headersToDownstreamOnAllow: ['set-cookie'],
      },
    ]);
  });

  it('names what is wrong in it, and keeps what was good before', () => {
    const { again } = read(configMap('pathNormalization: {normalization: NONE}'));
    const broken = again(configMap('pathNormalization: {normalization: NONE\n'));
    expect(broken.waypoint.pathNormalization).toBe('NONE');
    expect(broken.findings).toMatchObject([
      { code: 'PTL1602', path: 'data.mesh', effect: 'the version read before keeps serving' },
    ]);
    expect(again(configMap('trustDomian: a\nextensionProviders: [{name: a}, {name: a, zipkin: {}}]')).codes).toEqual([
      'PTL1101 error data.mesh.trustDomian',
      'PTL1106 error data.mesh.extensionProviders[0]',
      'PTL1501 info data.mesh.extensionProviders[1].zipkin',
    ]);
  });

  it('tells of another trust domain, and of a ConfigMap that is not the one', () => {
    const { codes } = read(configMap('trustDomain: prod.example'), configMap('rootNamespace: x', 'shop'));
    expect(codes).toEqual(['PTL1601 error data.mesh.trustDomain', 'PTL1603 info metadata.namespace']);
  });

  it('is the same object until it changes', () => {
    const { waypoint, again } = read(configMap('trustDomainAliases: [a]'));
    expect(again(configMap('trustDomainAliases: [a] # the same')).waypoint).toBe(waypoint);
    expect(again(configMap('trustDomainAliases: [b]')).waypoint).not.toBe(waypoint);
  });

  it('leaves other ConfigMaps alone', () => {
    const { codes } = read(configMap('not: [mesh', 'shop', 'settings'));
    expect(codes).toEqual(['PTL1507 info ']);
  });
});
