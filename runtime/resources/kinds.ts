import { authorizationPolicy, type AuthorizationPolicy } from './authorization-policy.ts';
import { configMap, type ConfigMap } from './config-map.ts';
import { destinationRule, type DestinationRule } from './destination-rule.ts';
import { endpointSlice, type EndpointSlice } from './endpoint-slice.ts';
import { gatewayClass, type GatewayClass } from './gateway-class.ts';
import { gateway, type Gateway } from './gateway.ts';
import { httpRoute, type HTTPRoute } from './http-route.ts';
import type { KindDefinition } from './kind.ts';
import { namespace, type Namespace } from './namespace.ts';
import { pod, type Pod } from './pod.ts';
import { referenceGrant, type ReferenceGrant } from './reference-grant.ts';
import { requestAuthentication, type RequestAuthentication } from './request-authentication.ts';
import { serviceAccount, type ServiceAccount } from './service-account.ts';
import { serviceEntry, type ServiceEntry } from './service-entry.ts';
import { service, type Service } from './service.ts';
import { virtualService, type VirtualService } from './virtual-service.ts';
import { workloadEntry, type WorkloadEntry } from './workload-entry.ts';

/** Every kind that is read, by name. */
export interface Kinds {
  readonly AuthorizationPolicy: AuthorizationPolicy;
  readonly ConfigMap: ConfigMap;
  readonly DestinationRule: DestinationRule;
  readonly EndpointSlice: EndpointSlice;
  readonly Gateway: Gateway;
  readonly GatewayClass: GatewayClass;
  readonly HTTPRoute: HTTPRoute;
  readonly Namespace: Namespace;
  readonly Pod: Pod;
  readonly ReferenceGrant: ReferenceGrant;
  readonly RequestAuthentication: RequestAuthentication;
  readonly Service: Service;
  readonly ServiceAccount: ServiceAccount;
  readonly ServiceEntry: ServiceEntry;
  readonly VirtualService: VirtualService;
  readonly WorkloadEntry: WorkloadEntry;
}

export type Kind = keyof Kinds;
export type AnyResource = Kinds[Kind];

const definitions: { readonly [K in Kind]: KindDefinition<K> } = {
  AuthorizationPolicy: authorizationPolicy,
  ConfigMap: configMap,
  DestinationRule: destinationRule,
  EndpointSlice: endpointSlice,
  Gateway: gateway,
  GatewayClass: gatewayClass,
  HTTPRoute: httpRoute,
  Namespace: namespace,
  Pod: pod,
  ReferenceGrant: referenceGrant,
  RequestAuthentication: requestAuthentication,
  Service: service,
  ServiceAccount: serviceAccount,
  ServiceEntry: serviceEntry,
  VirtualService: virtualService,
  WorkloadEntry: workloadEntry,
};

/** All definitions, sorted by kind. */
export const kinds: readonly KindDefinition<Kind>[] = Object.values(definitions);
