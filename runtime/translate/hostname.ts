import { compare } from './route-order.ts';

/**
 * The host names that both a listener and a route are for: the more specific of the two. Undefined stands for every
 * host. Undefined result: they have nothing in common. `*.a.b` stands for names below `a.b`, not for `a.b`.
 */
export function intersect(listener: string | undefined, route: string | undefined): string | undefined {
  if (listener === undefined || listener === '') return route ?? '*';
  if (route === undefined) return listener;
  if (covers(listener, route)) return route;
  return covers(route, listener) ? listener : undefined;
}

function covers(wide: string, narrow: string): boolean {
  return (
    wide === narrow || (wide.startsWith('*.') && narrow.length > wide.length - 1 && narrow.endsWith(wide.slice(1)))
  );
}

/** Exact names before wildcards, longer before shorter: the order in which a host is looked up. */
export function byHostname(a: string, b: string): number {
  return Number(a.startsWith('*')) - Number(b.startsWith('*')) || b.length - a.length || compare(a, b);
}
