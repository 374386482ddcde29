import type { HeaderMutations, PathRewrite, RouteAction } from '#model/route.ts';
import type { HeaderFilter, HTTPFilter, PathModifier } from '#resources/http-filter.ts';
import { firstOfEach } from './http-match.ts';

export const noMutations: HeaderMutations = { set: [], add: [], remove: [] };

/** What the filters of a rule or of a backendRef do together. */
export interface Filters {
  readonly requestHeaders: HeaderMutations;
  readonly responseHeaders: HeaderMutations;
  readonly redirect?: Extract<RouteAction, { kind: 'redirect' }>;
  readonly rewriteHost?: string;
  readonly rewritePath?: PathRewrite;
  /** A filter that must not be skipped and cannot be done: the request is answered 500. */
  readonly refused?: string;
}

const noFilters: Filters = { requestHeaders: noMutations, responseHeaders: noMutations };

/** Joins filters; each kind may be given once. Mirrors and CORS change no answer that a caller relies on for safety. */
export function readFilters(filters: readonly HTTPFilter[]): Filters {
  let result = noFilters;
  for (const filter of filters) {
    switch (filter.type) {
      case 'RequestHeaderModifier':
        result = { ...result, requestHeaders: mutations(filter.requestHeaderModifier) };
        break;
      case 'ResponseHeaderModifier':
        result = { ...result, responseHeaders: mutations(filter.responseHeaderModifier) };
        break;
      case 'RequestRedirect':
        result = { ...result, redirect: redirect(filter.requestRedirect) };
        break;
      case 'URLRewrite': {
        const { hostname, path } = filter.urlRewrite;
        result = {
          ...result,
          ...(hostname === undefined ? {} : { rewriteHost: hostname }),
          ...(path === undefined ? {} : { rewritePath: pathRewrite(path) }),
        };
        break;
      }
      case 'ExtensionRef':
      case 'ExternalAuth':
        result = { ...result, refused: filter.type };
        break;
      case 'RequestMirror':
      case 'CORS':
        break;
    }
  }
  return result;
}

function mutations({ set, add, remove }: HeaderFilter): HeaderMutations {
  const pairs = (list: HeaderFilter['set']) =>
    firstOfEach(list, ({ name }) => name.toLowerCase()).map(({ name, value }) => [name, value] as const);
  return { set: pairs(set), add: pairs(add), remove };
}

function pathRewrite(path: PathModifier): PathRewrite {
  return path.type === 'ReplaceFullPath'
    ? { kind: 'full', value: path.replaceFullPath }
    : { kind: 'prefix', value: path.replacePrefixMatch };
}

type Redirect = Extract<HTTPFilter, { type: 'RequestRedirect' }>['requestRedirect'];

/** Without a port, the port is the scheme's own when the filter sets the scheme, else that of the request. */
function redirect(filter: Redirect): Extract<RouteAction, { kind: 'redirect' }> {
  const { scheme, hostname, path, port } = filter;
  return {
    kind: 'redirect',
    ...(scheme === undefined ? {} : { scheme }),
    ...(hostname === undefined ? {} : { host: hostname }),
    ...(port === undefined ? {} : { port }),
    ...(path === undefined ? {} : { path: pathRewrite(path) }),
    status: filter.statusCode,
  };
}
