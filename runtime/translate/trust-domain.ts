/** What policies of a mesh mean when they do not name a trust domain: Istio's word for the mesh's own. */
const OWN = 'cluster.local';

/**
 * A principal of a policy (`domain/ns/…/sa/…`, without scheme) as the principals it stands for: once for each trust
 * domain of the mesh, if it is written with one of them or with `cluster.local`. `domains` is the mesh's own and its
 * aliases. What is not of this form, or leaves the domain open by a star, stands for itself.
 */
export function withAliases(principal: string, domains: readonly string[]): readonly string[] {
  const [written, ...rest] = principal.split('/');
  if (written === undefined || rest.length !== 4 || written === '*') return [principal];
  if (written !== OWN && !domains.some((domain) => covers(domain, written) || covers(written, domain))) {
    return [principal];
  }
  // `*-td` is all domains with this end; only the others are spelled out.
  const spelled = domains.map((domain) => (endsAs(domain, written) ? principal : [domain, ...rest].join('/')));
  return [...new Set(spelled)];
}

/** Trust domains of a policy with, for each that the mesh has, all of the mesh's. */
export function domainsWithAliases(written: readonly string[], domains: readonly string[]): readonly string[] {
  return [...new Set(written.flatMap((one) => (domains.includes(one) ? domains : [one])))];
}

/** The pattern, which may begin or end with a star, stands for the domain. */
function covers(pattern: string, domain: string): boolean {
  if (pattern === domain || pattern === '*') return true;
  return endsAs(domain, pattern) || (pattern.endsWith('*') && domain.startsWith(pattern.slice(0, -1)));
}

const endsAs = (domain: string, pattern: string): boolean =>
  pattern.startsWith('*') && domain.endsWith(pattern.slice(1));
