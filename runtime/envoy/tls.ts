import { isIP } from 'node:net';
import { create } from '@bufbuild/protobuf';
import type { Waypoint } from '#model/waypoint.ts';
import { TransportSocketSchema, type TransportSocket } from '#gen/envoy/config/core/v3/base_pb.ts';
import { InternalUpstreamTransportSchema } from '#gen/envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream_pb.ts';
import { RawBufferSchema } from '#gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.ts';
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '#gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts';
import {
  SubjectAltNameMatcher_SanType,
  TlsParameters_TlsProtocol,
} from '#gen/envoy/extensions/transport_sockets/tls/v3/common_pb.ts';
import { any } from './any.ts';

import { ads } from './source.ts';
import { ENDPOINT_METADATA, ORIGINAL_DST } from './names.ts';

/** Secrets by SDS, named as Istio names them. */
const CERTIFICATE = 'default';
const TRUST_BUNDLE = 'ROOTCA';

/** ztunnel speaks TLS 1.3 and nothing else. */
const tlsParams = {
  tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
  tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
};

const common = (...trustDomains: readonly string[]) => ({
  tlsParams,
  alpnProtocols: ['h2'],
  tlsCertificateSdsSecretConfigs: [{ name: CERTIFICATE, sdsConfig: ads() }],
  validationContextType: {
    case: 'combinedValidationContext' as const,
    value: {
      defaultValidationContext: {
        matchTypedSubjectAltNames: trustDomains.map((domain) => ({
          sanType: SubjectAltNameMatcher_SanType.URI,
          matcher: { matchPattern: { case: 'prefix' as const, value: `spiffe://${domain}/` } },
        })),
      },
      validationContextSdsSecretConfig: { name: TRUST_BUNDLE, sdsConfig: ads() },
    },
  },
});

/**
 * Mutual TLS towards callers: any identity of the trust domain and its aliases. Sessions are never resumed, so that each connection
 * proves its certificate against the trust bundle of now.
 */
export function downstreamTls({ trustDomain, trustDomainAliases }: Waypoint): TransportSocket {
  return create(TransportSocketSchema, {
    name: 'envoy.transport_sockets.tls',
    configType: {
      case: 'typedConfig',
      value: any(DownstreamTlsContextSchema, {
        requireClientCertificate: true,
        disableStatefulSessionResumption: true,
        sessionTicketKeysType: { case: 'disableStatelessSessionResumption', value: true },
        commonTlsContext: common(trustDomain, ...trustDomainAliases),
      }),
    },
  });
}

/**
 * Mutual TLS towards destinations. Whom the peer must be comes with each connection, as filter state made from the
 * endpoint's metadata; Envoy demands that name and, beyond it, the trust domain.
 */
export function upstreamTls(trustDomain: string): TransportSocket {
  return create(TransportSocketSchema, {
    name: 'envoy.transport_sockets.tls',
    configType: {
      case: 'typedConfig',
      value: any(UpstreamTlsContextSchema, {
        maxSessionKeys: 0,
        commonTlsContext: common(trustDomain),
      }),
    },
  });
}

/** TLS towards a server of the world: its certificate is of a root of the system, and names the host. */
export function serverTls(host: string, roots: string): TransportSocket {
  const ip = isIP(host) !== 0;
  return create(TransportSocketSchema, {
    name: 'envoy.transport_sockets.tls',
    configType: {
      case: 'typedConfig',
      value: any(UpstreamTlsContextSchema, {
        ...(ip ? {} : { sni: host }),
        commonTlsContext: {
          validationContextType: {
            case: 'validationContext',
            value: {
              trustedCa: { specifier: { case: 'filename', value: roots } },
              matchTypedSubjectAltNames: [
                {
                  sanType: ip ? SubjectAltNameMatcher_SanType.IP_ADDRESS : SubjectAltNameMatcher_SanType.DNS,
                  matcher: { matchPattern: { case: 'exact', value: host } },
                },
              ],
            },
          },
        },
      }),
    },
  });
}

/** Carries shared filter state, and the named metadata of the chosen endpoint, over an internal connection. */
export function internalUpstream(passEndpointMetadata: boolean): TransportSocket {
  const host = { kind: { case: 'host' as const, value: {} } };
  return create(TransportSocketSchema, {
    name: 'envoy.transport_sockets.internal_upstream',
    configType: {
      case: 'typedConfig',
      value: any(InternalUpstreamTransportSchema, {
        passthroughMetadata: passEndpointMetadata
          ? [ORIGINAL_DST, ENDPOINT_METADATA].map((name) => ({ kind: host, name }))
          : [],
        transportSocket: {
          name: 'envoy.transport_sockets.raw_buffer',
          configType: { case: 'typedConfig', value: any(RawBufferSchema, {}) },
        },
      }),
    },
  });
}
