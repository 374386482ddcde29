const literal = /^[A-Za-z0-9\-._~%!$&'()+,;:@=]*$/;

/** Whether Istio takes a path for a URI template rather than for a prefix, suffix or exact text. */
function isPathTemplate(path: string): boolean {
  return path.includes('{*}') || path.includes('{**}');
}

/**
 * What is wrong with a path as a template; undefined for good ones and for paths that are none. `{*}` stands for one
 * segment and `{**}` for any number; nothing may come with them in a segment, and no operator after `{**}`.
 * Istio's webhook lets some of this pass; Envoy would then refuse the whole listener.
 */
export function pathTemplateError(path: string): string | undefined {
  if (!isPathTemplate(path)) return undefined;
  if (!path.startsWith('/')) return 'it must begin with "/"';
  let all = false;
  for (const segment of path.slice(1).split('/')) {
    const operator = segment === '{*}' || segment === '{**}';
    if (operator && all) return 'nothing but names may follow {**}';
    if (segment === '{**}') all = true;
    if (!operator && /[{}*]/.test(segment)) return `"${segment}" is neither a name nor {*} nor {**}`;
    if (!operator && !literal.test(segment)) return `"${segment}" has a character that a template cannot have`;
  }
  return undefined;
}
