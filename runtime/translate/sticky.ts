import type { Finding } from '#model/finding.ts';
import type { Sticky } from '#model/route.ts';
import type { HTTPRoute } from '#resources/http-route.ts';
import { refOf } from './condition.ts';
import { label } from './label-selector.ts';

const annotation = 'portolan.dev/sticky';

/** What keeps a caller on one backend of a split: `header=<name>`, `cookie=<name>` or `identity`. */
export function stickyOf(route: HTTPRoute): { readonly sticky?: Sticky; readonly finding?: Finding } {
  const text = label(route.metadata.annotations, annotation);
  if (text === undefined) return {};
  if (text === 'identity') return { sticky: { by: 'identity' } };
  const [, by, name] = /^(header|cookie)=([!#$%&'*+.^_`|~0-9A-Za-z-]+)$/.exec(text) ?? [];
  if (by === 'header') return { sticky: { by, name: name!.toLowerCase() } };
  if (by === 'cookie') return { sticky: { by, name: name! } };
  return {
    finding: {
      code: 'PTL1506',
      level: 'warning',
      resource: refOf(route),
      path: `metadata.annotations[${annotation}]`,
      message: `annotation ${annotation} is "${text}"`,
      expected: 'header=<name>, cookie=<name> or identity',
      came: text,
      effect: 'callers are not kept on one backend',
      next: 'correct the annotation',
    },
  };
}
