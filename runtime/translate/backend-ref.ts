import type { Finding } from '#model/finding.ts';
import type { HTTPRoute, HTTPRouteRule } from '#resources/http-route.ts';
import type { ReferenceGrant } from '#resources/reference-grant.ts';
import type { KnownPort, KnownService } from './service.ts';
import type { Services } from './services.ts';

export type BackendRef = HTTPRouteRule['backendRefs'][number];

/** What there is to refer to. */
export interface Referents {
  readonly services: Services;
  /** By the namespace that grants. */
  readonly grants: ReadonlyMap<string, readonly ReferenceGrant[]>;
}

/** The port that a backendRef means, or why there is none; reasons are those of the condition ResolvedRefs. */
export type Referent =
  | { readonly service: KnownService; readonly port: KnownPort }
  | {
      readonly reason: 'BackendNotFound' | 'InvalidKind' | 'RefNotPermitted';
      readonly message: string;
      readonly finding: Pick<Finding, 'code' | 'expected' | 'came' | 'next'>;
    };

/** Resolves a backendRef of a route of the namespace `from`. The grant is asked first: a refusal tells nothing. */
export function resolveBackend(ref: BackendRef, from: string, referents: Referents): Referent {
  if (ref.group !== '' || ref.kind !== 'Service') {
    const came = ref.group === '' ? ref.kind : `${ref.group}/${ref.kind}`;
    return {
      reason: 'InvalidKind',
      message: `backends of kind ${came} are not supported`,
      finding: { code: 'PTL1214', expected: 'Service', came, next: 'name a Service' },
    };
  }
  const namespace = ref.namespace ?? from;
  const key = `${namespace}/${ref.name}`;
  if (namespace !== from && !permits(referents.grants.get(namespace), 'HTTPRoute', from, '', 'Service', ref.name)) {
    return {
      reason: 'RefNotPermitted',
      message: `no ReferenceGrant of namespace ${namespace} lets HTTPRoutes of namespace ${from} use Service ${ref.name}`,
      finding: {
        code: 'PTL1205',
        expected: `a ReferenceGrant in namespace ${namespace}`,
        came: 'none',
        next: `create a ReferenceGrant in namespace ${namespace} from HTTPRoute ${from} to Service ${ref.name}`,
      },
    };
  }
  const service = referents.services.get(namespace, ref.name);
  if (service === undefined) {
    return {
      reason: 'BackendNotFound',
      message: `Service ${key} does not exist`,
      finding: { code: 'PTL1204', came: key, next: 'create the Service, or correct the name' },
    };
  }
  const port = service.ports.find((each) => each.port === ref.port);
  if (port !== undefined) return { service, port };
  return {
    reason: 'BackendNotFound',
    message: `Service ${key} has no TCP port ${ref.port}`,
    finding: {
      code: 'PTL1213',
      expected: `one of: ${service.ports.map((each) => each.port).join(', ')}`,
      came: String(ref.port),
      next: 'correct the port',
    },
  };
}

/** Kinds that may be granted a reference, with their groups. */
const grantees = {
  HTTPRoute: 'gateway.networking.k8s.io',
  Gateway: 'gateway.networking.k8s.io',
  AuthorizationPolicy: 'security.istio.io',
} as const;

/** Whether a grant of the target's namespace allows a reference. */
export function permits(
  grants: readonly ReferenceGrant[] | undefined,
  fromKind: keyof typeof grantees,
  fromNamespace: string,
  toGroup: string,
  toKind: string,
  toName: string,
): boolean {
  return (grants ?? []).some(
    ({ spec }) =>
      spec.from.some(
        ({ group, kind, namespace }) =>
          group === grantees[fromKind] && kind === fromKind && namespace === fromNamespace,
      ) &&
      spec.to.some(
        ({ group, kind, name }) => group === toGroup && kind === toKind && (name === undefined || name === toName),
      ),
  );
}

/** Every backendRef of a route resolved, in order: rules, then references. */
export function resolveBackends(route: HTTPRoute, referents: Referents): readonly (readonly Referent[])[] {
  return route.spec.rules.map(({ backendRefs }) =>
    backendRefs.map((ref) => resolveBackend(ref, route.metadata.namespace, referents)),
  );
}
