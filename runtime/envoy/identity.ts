import { create } from '@bufbuild/protobuf';
import { RBAC_Action } from '#gen/envoy/config/rbac/v3/rbac_pb.ts';
import { RBACSchema } from '#gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts';
import {
  HttpFilterSchema,
  type HttpFilter,
} from '#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { any } from './any.ts';
import { PEER_PRINCIPAL } from './names.ts';

/**
 * An identity of a trust domain, whole and in Istio's form: nothing behind the service account, no byte (a NUL, a
 * comma) that another reader would take for an end. The same that `parseSpiffeId` of the model reads.
 */
export function identityExpression(trustDomain: string): string {
  const literal = trustDomain.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return `spiffe://${literal}/ns/[A-Za-z0-9_.-]+/sa/[A-Za-z0-9_.-]+`;
}

/**
 * Opens tunnels only to callers who are one identity of these trust domains. TLS is content when any of a certificate's names is good; of
 * several Envoy makes one text, and whom that means nobody can say.
 */
export const oneIdentity = (trustDomains: readonly string[]): HttpFilter =>
  create(HttpFilterSchema, {
    name: 'envoy.filters.http.rbac',
    configType: {
      case: 'typedConfig',
      value: any(RBACSchema, {
        rules: {
          action: RBAC_Action.ALLOW,
          policies: {
            'one-identity': {
              permissions: [{ rule: { case: 'any', value: true } }],
              principals: trustDomains.map((trustDomain) => ({
                identifier: {
                  case: 'filterState' as const,
                  value: {
                    key: PEER_PRINCIPAL,
                    matcher: {
                      case: 'stringMatch' as const,
                      value: {
                        matchPattern: { case: 'safeRegex' as const, value: { regex: identityExpression(trustDomain) } },
                      },
                    },
                  },
                },
              })),
            },
          },
        },
      }),
    },
  });
