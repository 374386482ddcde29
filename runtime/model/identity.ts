/** A SPIFFE identity as Istio writes it: `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`. */
export type SpiffeId = string;

/** The SPIFFE id of a Kubernetes service account. */
export function spiffeId(trustDomain: string, namespace: string, serviceAccount: string): SpiffeId {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}

export interface SpiffeParts {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/**
 * The parts of a SPIFFE id of Istio's form; undefined for anything else, a longer path included: whoever reads
 * `…/ns/evil/sa/x/ns/team-a/sa/y` loosely takes it for team-a.
 */
export function parseSpiffeId(text: string): SpiffeParts | undefined {
  const match = /^spiffe:\/\/([a-z0-9._-]{1,255})\/ns\/([\w.-]+)\/sa\/([\w.-]+)$/.exec(text);
  const [, trustDomain, namespace, serviceAccount] = match ?? [];
  const isDots = (segment: string): boolean => segment === '.' || segment === '..';
  if (trustDomain === undefined || namespace === undefined || serviceAccount === undefined) return undefined;
  return isDots(namespace) || isDots(serviceAccount) ? undefined : { trustDomain, namespace, serviceAccount };
}

/**
 * The SPIFFE id of a certificate, from its alternative names in the text form of Node's crypto
 * (`URI:spiffe://…, DNS:…`; odd values are quoted as JSON). An X.509-SVID has exactly one URI name: with none,
 * several, or one that is not a SPIFFE id of Istio's form there is no identity.
 */
export function spiffeIdOf(subjectAltName: string | undefined): SpiffeId | undefined {
  const uris: string[] = [];
  for (const [, kind, value] of (subjectAltName ?? '').matchAll(/(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,]*)/g)) {
    if (kind === 'URI' && value !== undefined) uris.push(value);
  }
  const [uri] = uris;
  return uris.length === 1 && uri !== undefined && parseSpiffeId(uri) ? uri : undefined;
}
