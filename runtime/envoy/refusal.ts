import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { RouteSchema, type Route } from '#gen/envoy/config/route/v3/route_components_pb.ts';
import type { StringMatcherSchema } from '#gen/envoy/type/matcher/v3/string_pb.ts';

const FORBIDDEN = 403;
const BAD_REQUEST = 400;

/** Answers a request whose header matches, before any route of a service is looked at. */
const refuse = (
  name: string,
  header: string,
  pattern: NonNullable<MessageInitShape<typeof StringMatcherSchema>['matchPattern']>,
  status: number,
  body: string,
): Route =>
  create(RouteSchema, {
    name,
    match: {
      pathSpecifier: { case: 'prefix', value: '/' },
      headers: [{ name: header, headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern: pattern } } }],
    },
    action: {
      case: 'directResponse',
      value: { status, body: { specifier: { case: 'inlineString', value: body } } },
    },
  });

/**
 * Requests that no service serves, ahead of its routes:
 * - TRACE: an application answers with the caller's headers, those that proxies added among them.
 * - A host with `,` or `@`. Envoy makes `a,b` of two Host lines and keeps `good@evil` as it is: of several readings a
 *   policy would judge one and the application serve another.
 */
export const REFUSALS: readonly Route[] = [
  refuse('refused-trace', ':method', { case: 'exact', value: 'TRACE' }, FORBIDDEN, 'RBAC: access denied'),
  refuse('refused-hosts', ':authority', { case: 'contains', value: ',' }, BAD_REQUEST, 'Bad Request'),
  refuse('refused-userinfo', ':authority', { case: 'contains', value: '@' }, BAD_REQUEST, 'Bad Request'),
];
