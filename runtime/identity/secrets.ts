import { createHash } from 'node:crypto';
import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { SecretSchema } from '#gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';
import { SECRET, type XdsResource } from '#envoy/resource.ts';
import type { Credentials } from './certificate.ts';

/** The names that Istio's proxies ask for, and so ours. */
const CERTIFICATE_SECRET = 'default';
const ROOTS_SECRET = 'ROOTCA';

/**
 * The SDS resources of one proxy: its certificate with key, and the trust bundle with every root in it. They hold the
 * private key: they go over the Unix socket to Envoy and nowhere else.
 */
export function secrets(credentials: Credentials): readonly XdsResource[] {
  const { workload, roots } = credentials;
  return [
    secret(CERTIFICATE_SECRET, {
      case: 'tlsCertificate',
      value: { certificateChain: inline(workload.certificate), privateKey: inline(workload.key) },
    }),
    secret(ROOTS_SECRET, { case: 'validationContext', value: { trustedCa: inline(roots) } }),
  ];
}

const inline = (value: string) => ({ specifier: { case: 'inlineString' as const, value } });

function secret(name: string, type: NonNullable<MessageInitShape<typeof SecretSchema>['type']>): XdsResource {
  const value = toBinary(SecretSchema, create(SecretSchema, { name, type }));
  const version = createHash('sha1').update(value).digest('hex').slice(0, 16);
  return { typeUrl: SECRET, name, version, value };
}
