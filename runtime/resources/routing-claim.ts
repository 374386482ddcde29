const PREFIX = '@request.auth.claims';

/**
 * The claim that a header match of a VirtualService names: `@request.auth.claims.a.b` or `@request.auth.claims[a][b]`,
 * as Istio reads it. Undefined: a header, or nothing that can be matched.
 */
export function claimPath(name: string): readonly string[] | undefined {
  if (!name.toLowerCase().startsWith(PREFIX)) return undefined;
  const rest = name.slice(PREFIX.length);
  const path = rest.startsWith('.')
    ? rest.slice(1).split('.')
    : rest.startsWith('[') && rest.endsWith(']')
      ? rest.slice(1, -1).split('][')
      : [];
  return path.length > 0 && path.every((claim) => claim !== '') ? path : undefined;
}
