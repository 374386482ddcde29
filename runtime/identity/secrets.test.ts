import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { SecretSchema } from '#gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';
import { createAuthority } from './authority.ts';
import { secrets } from './secrets.ts';

describe('secrets', () => {
  it('hold the pair and every root, and change version only with their content', async () => {
    const authority = await createAuthority('cluster.local');
    const other = await createAuthority('other.example');
    const roots = authority.root + other.root;
    const workload = await authority.issue({ spiffeId: 'spiffe://cluster.local/ns/a/sa/b' });
    const [certificate, bundle] = secrets({ workload, roots });
    expect([certificate?.name, bundle?.name]).toEqual(['default', 'ROOTCA']);
    expect(fromBinary(SecretSchema, certificate?.value ?? new Uint8Array()).type).toMatchObject({
      case: 'tlsCertificate',
      value: {
        certificateChain: { specifier: { value: workload.certificate } },
        privateKey: { specifier: { value: workload.key } },
      },
    });
    expect(fromBinary(SecretSchema, bundle?.value ?? new Uint8Array()).type).toMatchObject({
      case: 'validationContext',
      value: { trustedCa: { specifier: { value: roots } } },
    });

    const renewed = await authority.issue({ spiffeId: 'spiffe://cluster.local/ns/a/sa/b' });
    const [next, sameBundle] = secrets({ workload: renewed, roots });
    expect(next?.version).not.toBe(certificate?.version);
    expect(sameBundle?.version).toBe(bundle?.version);
  });
});
