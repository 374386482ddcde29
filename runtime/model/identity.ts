/** A SPIFFE identity as Istio writes it: `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`. */
export type SpiffeId = string;

/** The SPIFFE id of a Kubernetes service account. */
export function spiffeId(trustDomain: string, namespace: string, serviceAccount: string): SpiffeId {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}
