import type { PathNormalization } from '#model/path-normalization.ts';

/**
 * The path as Envoy sees it before any filter. Dot segments are resolved, letters and digits that were written as
 * escapes unescaped, and backslashes made slashes, by all but NONE; runs of slashes become one by all but NONE and BASE.
 * The query is left alone. Undefined: the path holds an escaped slash, which STRICT answers 400.
 */
export function normalizedPath(path: string, how: PathNormalization): string | undefined {
  if (how === 'NONE') return path;
  const mark = path.indexOf('?');
  const [raw, query] = mark < 0 ? [path, ''] : [path.slice(0, mark), path.slice(mark)];
  if (how === 'STRICT' && /%2f|%5c/i.test(raw)) return undefined;
  // Escaped slashes come first, so that a dot segment behind one is resolved as well.
  const slashed = how === 'DECODE_AND_MERGE_SLASHES' ? raw.replaceAll(/%2f|%5c/gi, '/') : raw;
  const readable = slashed.replaceAll(/%([0-9a-f]{2})/gi, (escape, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[\w.~-]/.test(character) ? character : escape;
  });
  const resolved = resolveDots(readable.replaceAll('\\', '/'));
  return (how === 'BASE' ? resolved : resolved.replaceAll(/\/{2,}/g, '/')) + query;
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
