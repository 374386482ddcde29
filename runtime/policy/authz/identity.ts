// What a caller's identity says, read as its issuer wrote it and no looser: for the reference evaluator.
//
// An identity made to say several things (`…/ns/evil/sa/x/ns/good/sa/y`) must gain nothing by it: for what grants access
// only the reading of a well-formed identity counts, for what refuses it every reading does. `all` asks for every one.

const SCHEME = 'spiffe://';

/** What stands between `/ns/` and the next slash: where it stands first, or everywhere. */
export function namespacesOf(principal: string | undefined, all: boolean): readonly string[] {
  const found: string[] = [];
  const text = principal ?? '';
  for (let at = text.indexOf('/ns/'); at >= 0; at = text.indexOf('/ns/', at + 1)) {
    const end = text.indexOf('/', at + 4);
    if (end >= 0) found.push(text.slice(at + 4, end));
    if (!all) break;
  }
  return found;
}

/**
 * `namespace/account` of `spiffe://<domain>/ns/<namespace>/sa/<account>`. All: as Istio's expression has it, of every
 * `/ns/<namespace>/` and every `/sa/<account>` behind it, whatever stands between and after them.
 */
export function serviceAccountsOf(principal: string | undefined, all: boolean): readonly string[] {
  if (principal === undefined || !principal.startsWith(SCHEME)) return [];
  const path = principal.slice(SCHEME.length + 1);
  if (!all) {
    const [, namespace, account] = /^\/ns\/([^/]*)\/sa\/([^/]+)$/.exec(firstNamespace(path)) ?? [];
    return namespace === undefined || account === undefined ? [] : [`${namespace}/${account}`];
  }
  const found: string[] = [];
  for (let at = path.indexOf('/ns/'); at >= 0; at = path.indexOf('/ns/', at + 1)) {
    const end = path.indexOf('/', at + 4);
    if (end < 0) break;
    for (let sa = path.indexOf('/sa/', end); sa >= 0; sa = path.indexOf('/sa/', sa + 1)) {
      const account = path.slice(sa + 4).split('/', 1)[0] ?? '';
      const after = path.slice(sa + 4 + account.length);
      if (account !== '' && after !== '/') found.push(`${path.slice(at + 4, end)}/${account}`);
    }
  }
  return found;
}

/** From where `/ns/` stands first. */
const firstNamespace = (path: string): string => (path.includes('/ns/') ? path.slice(path.indexOf('/ns/')) : '');

/** What stands between `spiffe://` and the next slash. */
export function trustDomainOf(principal: string | undefined): string | undefined {
  return principal?.startsWith(SCHEME) ? principal.slice(SCHEME.length).split('/', 1)[0] : undefined;
}

/** What a suffix is looked for in: all that stands behind `spiffe://`. */
export function withoutScheme(principal: string): string | undefined {
  return principal.startsWith(SCHEME) ? principal.slice(SCHEME.length) : undefined;
}
