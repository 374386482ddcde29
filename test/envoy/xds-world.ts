import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { any } from '#envoy/any.ts';
import { encode } from '#envoy/encode.ts';
import {
  CLUSTER,
  ENDPOINTS,
  EXTENSION,
  LISTENER,
  ROUTES,
  type XdsResource,
  type XdsSnapshot,
} from '#envoy/resource.ts';
import { ads } from '#envoy/source.ts';
import { ClusterSchema, Cluster_DiscoveryType } from '#gen/envoy/config/cluster/v3/cluster_pb.ts';
import { TypedExtensionConfigSchema } from '#gen/envoy/config/core/v3/extension_pb.ts';
import { ClusterLoadAssignmentSchema } from '#gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { ListenerSchema } from '#gen/envoy/config/listener/v3/listener_pb.ts';
import { RBAC_Action } from '#gen/envoy/config/rbac/v3/rbac_pb.ts';
import { RouteConfigurationSchema } from '#gen/envoy/config/route/v3/route_pb.ts';
import { RBACSchema } from '#gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts';
import { RouterSchema } from '#gen/envoy/extensions/filters/http/router/v3/router_pb.ts';
import {
  HttpConnectionManagerSchema,
  type HttpConnectionManager,
} from '#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';

// A small world of stock parts with the discovery that ours has: listeners with routes by RDS and a policy by ECDS,
// clusters with endpoints by EDS.

const RBAC_TYPE = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC';

const resource = <S extends DescMessage>(name: string, schema: S, init: MessageInitShape<S>): XdsResource =>
  encode(name, schema, create(schema, init));

const localhost = (portValue: number) => ({
  address: {
    case: 'socketAddress' as const,
    value: { address: '127.0.0.1', portSpecifier: { case: 'portValue' as const, value: portValue } },
  },
});

/** Everything by resource; types as the snapshot needs them. */
export function snapshot(resources: readonly XdsResource[]): XdsSnapshot {
  const types = new Map<string, Map<string, XdsResource>>();
  for (const type of [CLUSTER, ENDPOINTS, LISTENER, ROUTES, EXTENSION]) types.set(type, new Map());
  for (const item of resources) {
    const known = types.get(item.typeUrl) ?? new Map<string, XdsResource>();
    types.set(item.typeUrl, known.set(item.name, item));
  }
  return types;
}

/** The snapshot with some resources added or replaced; types that do not change stay the same map. */
export function withResources(
  base: XdsSnapshot,
  resources: readonly XdsResource[],
  removed: readonly [type: string, name: string][] = [],
): XdsSnapshot {
  const types = new Map(base);
  const edit = (type: string): Map<string, XdsResource> => {
    const copy =
      types.get(type) === base.get(type) ? new Map(base.get(type)) : (types.get(type) as Map<string, XdsResource>);
    types.set(type, copy);
    return copy;
  };
  for (const item of resources) edit(item.typeUrl).set(item.name, item);
  for (const [type, name] of removed) edit(type).delete(name);
  return types;
}

export const cluster = (name: string, connectTimeoutSeconds = 1): XdsResource =>
  resource(name, ClusterSchema, {
    name,
    connectTimeout: { seconds: BigInt(connectTimeoutSeconds) },
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ads() },
  });

export const endpoints = (name: string, ports: readonly number[]): XdsResource =>
  resource(name, ClusterLoadAssignmentSchema, {
    clusterName: name,
    endpoints: [
      {
        lbEndpoints: ports.map((port) => ({
          hostIdentifier: { case: 'endpoint' as const, value: { address: localhost(port) } },
        })),
      },
    ],
  });

/** All requests to one cluster, or answered with a text. */
export const routes = (name: string, to: { readonly cluster: string } | { readonly body: string }): XdsResource =>
  resource(name, RouteConfigurationSchema, {
    name,
    virtualHosts: [
      {
        name: 'all',
        domains: ['*'],
        routes: [
          {
            match: { pathSpecifier: { case: 'prefix', value: '/' } },
            action:
              'cluster' in to
                ? { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: to.cluster } } }
                : {
                    case: 'directResponse',
                    value: { status: 200, body: { specifier: { case: 'inlineString', value: to.body } } },
                  },
          },
        ],
      },
    ],
  });

const rbac = (allow: boolean): Any =>
  any(RBACSchema, { rules: { action: allow ? RBAC_Action.DENY : RBAC_Action.ALLOW, policies: {} } });

/** A policy that lets everything or nothing pass. */
export const policy = (name: string, allow: boolean): XdsResource =>
  resource(name, TypedExtensionConfigSchema, { name, typedConfig: rbac(allow) });

const ROUTER = any(RouterSchema, {});

const chain = (manager: MessageInitShape<typeof HttpConnectionManagerSchema>) => ({
  filters: [
    { name: 'http', configType: { case: 'typedConfig' as const, value: any(HttpConnectionManagerSchema, manager) } },
  ],
});

const manager = (routeName: string, policyName: string): HttpConnectionManager =>
  create(HttpConnectionManagerSchema, {
    statPrefix: routeName,
    routeSpecifier: { case: 'rds', value: { configSource: ads(), routeConfigName: routeName } },
    httpFilters: [
      {
        name: policyName,
        configType: { case: 'configDiscovery', value: { configSource: ads(), typeUrls: [RBAC_TYPE] } },
      },
      { name: 'router', configType: { case: 'typedConfig', value: ROUTER } },
    ],
  });

/** A listener on a port of the loopback address. */
export const listener = (
  name: string,
  port: number,
  of: { readonly routes: string; readonly policy: string },
): XdsResource =>
  resource(name, ListenerSchema, {
    name,
    address: localhost(port),
    filterChains: [chain(manager(of.routes, of.policy))],
  });

/** A listener whose policy is part of it, as Istio has it. */
export const inlineListener = (
  name: string,
  port: number,
  of: { readonly routes: string; readonly allow: boolean },
): XdsResource =>
  resource(name, ListenerSchema, {
    name,
    address: localhost(port),
    filterChains: [
      chain(
        create(HttpConnectionManagerSchema, {
          statPrefix: of.routes,
          routeSpecifier: { case: 'rds', value: { configSource: ads(), routeConfigName: of.routes } },
          httpFilters: [
            { name: 'rbac', configType: { case: 'typedConfig', value: rbac(of.allow) } },
            { name: 'router', configType: { case: 'typedConfig', value: ROUTER } },
          ],
        }),
      ),
    ],
  });

/** A listener that Envoy refuses: its chain names a filter type that does not exist. */
export const badListener = (name: string, port: number): XdsResource =>
  resource(name, ListenerSchema, {
    name,
    address: localhost(port),
    filterChains: [
      {
        filters: [
          {
            name: 'nonsense',
            configType: {
              case: 'typedConfig',
              value: { typeUrl: 'type.googleapis.com/no.such.Filter', value: new Uint8Array() },
            },
          },
        ],
      },
    ],
  });
