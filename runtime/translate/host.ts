import type { ServiceName } from '#model/backend.ts';
import type { KnownService } from './service.ts';
import type { Services } from './services.ts';

/** The name under which the mesh knows a Kubernetes Service. */
export function serviceName(namespace: string, name: string, clusterDomain: string): ServiceName {
  return { namespace, name, host: `${name}.${namespace}.svc.${clusterDomain}` };
}

/** The service that a host of a resource of this namespace means, if there is one. */
export function findService(
  host: string,
  namespace: string,
  services: Services,
  clusterDomain: string,
): KnownService | undefined {
  const known = services.called(host);
  if (known !== undefined) return known;
  const named = resolveHost(host, namespace, clusterDomain);
  return named && services.get(named.namespace, named.name);
}

/**
 * The Kubernetes Service that a host of a VirtualService or DestinationRule means: a short name is of the resource's
 * own namespace, `name.namespace` and `name.namespace.svc` are not completed by Istio and mean nothing, a full name is
 * taken as it is. Undefined: no Kubernetes Service (a wildcard, an outside host).
 */
export function resolveHost(
  host: string,
  namespace: string,
  clusterDomain: string,
): { readonly namespace: string; readonly name: string } | undefined {
  const text = host.toLowerCase();
  if (text === '' || text.includes('*')) return undefined;
  if (!text.includes('.')) return { namespace, name: text };
  const suffix = `.svc.${clusterDomain}`;
  if (!text.endsWith(suffix)) return undefined;
  const parts = text.slice(0, -suffix.length).split('.');
  const [name, of] = parts;
  return parts.length === 2 && name && of ? { namespace: of, name } : undefined;
}
