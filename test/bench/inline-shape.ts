import { create } from '@bufbuild/protobuf';
import type { StringMatch } from '#model/match.ts';
import type { ServicePort, Waypoint } from '#model/waypoint.ts';
import { any } from '#envoy/any.ts';
import { duration, encode } from '#envoy/encode.ts';
import { CLUSTER, EXTENSION, LISTENER, ROUTES, type XdsResource, type XdsSnapshot } from '#envoy/resource.ts';
import { ListenerSchema } from '#gen/envoy/config/listener/v3/listener_pb.ts';
import { FilterChainSchema, type FilterChain } from '#gen/envoy/config/listener/v3/listener_components_pb.ts';
import { RBACSchema as RulesSchema, RBAC_Action } from '#gen/envoy/config/rbac/v3/rbac_pb.ts';
import { CorsSchema } from '#gen/envoy/extensions/filters/http/cors/v3/cors_pb.ts';
import { HTTPFaultSchema } from '#gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts';
import { RBACSchema } from '#gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts';
import { RouterSchema } from '#gen/envoy/extensions/filters/http/router/v3/router_pb.ts';
import { HttpConnectionManagerSchema } from '#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';

// The same mesh in the shape that Istio gives a waypoint: one internal listener with a chain a service, routes and
// policies inline, stock filters. What a change costs there is what ours is measured against.

const exact = (match: StringMatch): string => ('value' in match ? match.value : '');

/** ALLOW policies of exact principals, methods and paths: all that the benchmark's meshes hold. */
function rules(port: ServicePort) {
  const policies = port.authz.policies.flatMap(({ name, rules: all }) =>
    all.map((rule, index) => {
      const header = (key: string, values: readonly StringMatch[]) => ({
        rule: {
          case: 'orRules' as const,
          value: {
            rules: values.map((value) => ({
              rule: {
                case: 'header' as const,
                value: {
                  name: key,
                  headerMatchSpecifier: {
                    case: 'stringMatch' as const,
                    value: { matchPattern: { case: 'exact' as const, value: exact(value) } },
                  },
                },
              },
            })),
          },
        },
      });
      const permissions = rule.to.map(({ methods, paths }) => ({
        rule: {
          case: 'andRules' as const,
          value: { rules: [header(':method', methods.any), header(':path', paths.any)] },
        },
      }));
      const principals = rule.from.flatMap((source) =>
        source.principals.any.map((value) => ({
          identifier: {
            case: 'filterState' as const,
            value: {
              key: 'io.istio.peer_principal',
              matcher: {
                case: 'stringMatch' as const,
                value: { matchPattern: { case: 'exact' as const, value: `spiffe://${exact(value)}` } },
              },
            },
          },
        })),
      );
      return [`${name}-${index}`, { permissions, principals }] as const;
    }),
  );
  return create(RulesSchema, { action: RBAC_Action.ALLOW, policies: Object.fromEntries(policies) });
}

function routes(port: ServicePort) {
  return port.routes.flatMap(({ name, action }) =>
    action.kind !== 'forward'
      ? []
      : [
          {
            name,
            match: { pathSpecifier: { case: 'prefix' as const, value: '/' } },
            action: {
              case: 'route' as const,
              value: {
                timeout: duration(0),
                clusterSpecifier: {
                  case: 'weightedClusters' as const,
                  value: { clusters: action.backends.map(({ backend = '', weight }) => ({ name: backend, weight })) },
                },
              },
            },
          },
        ],
  );
}

const CORS = any(CorsSchema, {});
const FAULT = any(HTTPFaultSchema, {});
const ROUTER = any(RouterSchema, {});

function chain(port: ServicePort): FilterChain {
  const name = `${port.service.host}_${port.port}`;
  const filter = (kind: string, typedConfig: typeof CORS) => ({
    name: `envoy.filters.http.${kind}`,
    configType: { case: 'typedConfig' as const, value: typedConfig },
  });
  const manager = any(HttpConnectionManagerSchema, {
    statPrefix: 'inbound',
    routeSpecifier: {
      case: 'routeConfig',
      value: { name, virtualHosts: [{ name: 'inbound', domains: ['*'], routes: routes(port) }] },
    },
    httpFilters: [
      filter('rbac', any(RBACSchema, { rules: rules(port) })),
      filter('fault', FAULT),
      filter('cors', CORS),
      filter('router', ROUTER),
    ],
  });
  return create(FilterChainSchema, {
    name,
    filterChainMatch: {
      destinationPort: port.port,
      prefixRanges: port.addresses.map((addressPrefix) => ({ addressPrefix, prefixLen: 32 })),
    },
    filters: [
      {
        name: 'envoy.filters.network.http_connection_manager',
        configType: { case: 'typedConfig', value: manager },
      },
    ],
  });
}

/** Makes the inline shape of a waypoint out of ours, of which it keeps the clusters, endpoints and secrets. */
export function createInlineShape(): (waypoint: Waypoint, ours: XdsSnapshot) => XdsSnapshot {
  const chains = new WeakMap<ServicePort, FilterChain>();
  return (waypoint, ours) => {
    const listener = create(ListenerSchema, {
      name: 'main_internal',
      listenerSpecifier: { case: 'internalListener', value: {} },
      filterChains: waypoint.ports.map((port) => {
        const known = chains.get(port) ?? chain(port);
        chains.set(port, known);
        return known;
      }),
    });
    const main = encode('main_internal', ListenerSchema, listener);
    const bridges = new Set(
      waypoint.ports.flatMap(({ addresses, port }) => addresses.map((each) => `${each}:${port}`)),
    );
    const names = new Set(waypoint.ports.map(({ service, port }) => `${service.host}:${port}`));
    const without = (type: string, gone: ReadonlySet<string>): Map<string, XdsResource> =>
      new Map([...(ours.get(type) ?? [])].filter(([name]) => !gone.has(name)));
    return new Map<string, ReadonlyMap<string, XdsResource>>([
      ...ours,
      [CLUSTER, without(CLUSTER, bridges)],
      [LISTENER, without(LISTENER, names).set('main_internal', main)],
      [ROUTES, without(ROUTES, names)],
      [EXTENSION, new Map()],
    ]);
  };
}
