import { API_VERSION } from '#admin/api.ts';
import type { Compared, Example } from './comparison.ts';
import { explainLine } from './request.ts';
import type { Sides } from './text.ts';

/** The JSON form; fields are only ever added to it. */
export function diffJson({ ports, gone, come }: Compared, sides: Sides): object {
  const sum = (of: 'allowed' | 'denied'): number => ports.reduce((count, port) => count + port[of].length, 0);
  return {
    apiVersion: API_VERSION,
    ...sides,
    summary: { ports: ports.length, newlyAllowed: sum('allowed'), newlyDenied: sum('denied') },
    ports: ports.map(({ name, waypoint, protocol, allowed, denied, limits }) => {
      const example = ({ request, before, after }: Example): object => ({
        request,
        before,
        after,
        explain: explainLine(request, name, sides.after, protocol),
      });
      return {
        name,
        waypoint,
        protocol,
        newlyAllowed: allowed.map(example),
        newlyDenied: denied.map(example),
        limits,
      };
    }),
    onlyBefore: gone,
    onlyAfter: come,
  };
}
