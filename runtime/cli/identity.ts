import { parseSpiffeId, spiffeId, type SpiffeId } from '#model/identity.ts';
import { usage } from './failure.ts';

/**
 * The identity that is meant by `bookinfo/productpage`, `ns/bookinfo/sa/productpage` or a full SPIFFE id. Throws a
 * usage failure for anything else.
 */
export function identityOf(text: string, trustDomain: string): SpiffeId {
  const long = /^ns\/([^/]+)\/sa\/([^/]+)$/.exec(text) ?? /^([^/:]+)\/([^/:]+)$/.exec(text);
  const [, namespace, account] = long ?? [];
  const id = namespace !== undefined && account !== undefined ? spiffeId(trustDomain, namespace, account) : text;
  if (parseSpiffeId(id) !== undefined) return id;
  throw usage(`"${text}" is not an identity`, {
    expected: 'namespace/account, ns/<namespace>/sa/<account> or spiffe://<trust domain>/ns/<namespace>/sa/<account>',
    came: text,
  });
}

/** The short form for people: `bookinfo/productpage`; the whole id where the trust domain is another. */
export function shortIdentity(id: SpiffeId, trustDomain: string): string {
  const parts = parseSpiffeId(id);
  return parts?.trustDomain === trustDomain ? `${parts.namespace}/${parts.serviceAccount}` : id;
}
