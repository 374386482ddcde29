// One place of an application has several spellings, and applications differ in which they take for the same. A policy
// is judged so that none of them leads around it. (filters/authz/spelling.ts does as this says.)

/**
 * The spellings under which a path is judged, as it was sent first. A segment's parameters (`/admin;v=1`) are no part
 * of its name for many applications, nor are those whose semicolon is escaped; and some drop a semicolon that they do
 * not expect. What is left may be nothing or dots, which such an application resolves then. The whole decision is made for each spelling: a request is allowed only if it is under all of them, so a
 * DENY rule holds if it does for one, and an ALLOW rule must hold for all.
 */
export function pathSpellings(path: string): readonly string[] {
  const end = path.search(/[?#]/);
  const name = end < 0 ? path : path.slice(0, end);
  if (!/;|%3b/i.test(name)) return [path];
  const rest = path.slice(name.length);
  const spelled = (part: RegExp): string => `${resolved(name.replace(part, ''))}${rest}`;
  return [path, spelled(/(?:;|%3b)[^/]*/gi), spelled(/;|%3b/gi)];
}

/** A path without empty and dot segments. */
function resolved(path: string): string {
  const [start = '', ...segments] = path.split('/');
  const kept: string[] = [];
  for (const [index, segment] of segments.entries()) {
    const isDots = segment === '.' || segment === '..';
    if (segment === '..') kept.pop();
    if (segment !== '' && !isDots) kept.push(segment);
    else if (index === segments.length - 1) kept.push('');
  }
  return [start, ...kept].join('/');
}

/**
 * The spellings of a host: as it was sent, without the port that http has anyway (RFC 9110, 4.2.3), and without dots at
 * its end too. For what grants access only the first counts; for what refuses it every one does. Another port is another
 * host, as in Istio.
 */
export function hostSpellings(host: string): readonly string[] {
  const portless = host.replace(/:(?:0*80)?$/, '');
  return [...new Set([host, portless, portless.replace(/\.+$/, '')])];
}
