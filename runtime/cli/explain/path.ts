/**
 * The path as Envoy sees it before any filter, by the default normalization (STRICT): dot segments resolved, letters
 * and digits that were written as escapes unescaped, backslashes and runs of slashes one slash; the query is left
 * alone. Undefined: the path holds an escaped slash, and the request is answered 400.
 */
export function normalizedPath(path: string): string | undefined {
  const mark = path.indexOf('?');
  const [raw, query] = mark < 0 ? [path, ''] : [path.slice(0, mark), path.slice(mark)];
  if (/%2f|%5c/i.test(raw)) return undefined;
  const readable = raw.replaceAll(/%([0-9a-f]{2})/gi, (escape, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[\w.~-]/.test(character) ? character : escape;
  });
  return resolveDots(readable.replaceAll('\\', '/')).replaceAll(/\/{2,}/g, '/') + query;
}

function resolveDots(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (segment === '..') kept.pop();
    if (segment !== '.' && segment !== '..') kept.push(segment);
    else if (isLast) kept.push('');
  }
  return `/${kept.join('/')}`;
}
