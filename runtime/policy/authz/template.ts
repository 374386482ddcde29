import { TEMPLATE_DEPTH } from '#abi/authz.ts';

/** A segment of a path template; `rest` is `{**}` with the text that must follow it (empty, or begins with `/`). */
export type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'star' }
  | { readonly kind: 'rest'; readonly after: string };

/**
 * Reads a path template of Istio: `/users/{*}/posts`, `/static/{**}`, `/{**}/edit`. `{*}` is one segment, `{**}` any
 * number of characters with `/`, and after it only literals may come. Undefined when it is not well-formed.
 */
export function parseTemplate(template: string): readonly Segment[] | undefined {
  if (!template.startsWith('/')) return undefined;
  const parts = template.slice(1).split('/');
  const segments: Segment[] = [];
  for (const [index, part] of parts.entries()) {
    if (part === '{*}') {
      segments.push({ kind: 'star' });
    } else if (part === '{**}') {
      const after = parts.slice(index + 1).map((literal) => `/${literal}`);
      if (after.some((literal) => /[{}*]/.test(literal))) return undefined;
      segments.push({ kind: 'rest', after: after.join('') });
      break;
    } else if (/[{}*]/.test(part)) {
      return undefined;
    } else {
      segments.push({ kind: 'literal', text: part });
    }
  }
  return segments.length < TEMPLATE_DEPTH ? segments : undefined;
}
