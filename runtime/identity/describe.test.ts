import { describe as group, expect, it } from 'vitest';
import { createAuthority } from './authority.ts';
import { describe } from './describe.ts';

const IDENTITY = 'spiffe://cluster.local/ns/bookinfo/sa/reviews';
const HOUR = 3_600_000;

group('the description of a certificate', () => {
  it('tells valid, untrusted, expired, not yet valid and nameless apart', async () => {
    const authority = await createAuthority('cluster.local');
    const other = await createAuthority('cluster.local');
    const request = { spiffeId: IDENTITY };
    const status = async (changes: object, roots?: string) =>
      describe((await authority.issueUnusual(request, changes)).certificate, roots).status;

    expect(await status({}, authority.root)).toBe('valid');
    expect(await status({}, other.root + authority.root)).toBe('valid');
    expect(await status({}, other.root)).toBe('untrusted');
    expect(await status({})).toBe('not checked');
    expect(await status({ notBefore: new Date(0), notAfter: new Date(Date.now() - HOUR) }, authority.root)).toBe(
      'expired',
    );
    expect(await status({ notBefore: new Date(Date.now() + HOUR) }, authority.root)).toBe('not yet valid');
    expect(await status({ uris: [IDENTITY, `${IDENTITY}2`] }, authority.root)).toBe('no identity');
    expect(await status({ uris: [] }, authority.root)).toBe('no identity');
  });

  it('follows a chain, and not one below a leaf', async () => {
    const root = await createAuthority('cluster.local');
    const below = await root.intermediate('workloads');
    const issued = await below.issue({ spiffeId: IDENTITY, dns: ['reviews.bookinfo'] });
    expect(describe(issued.certificate, root.root)).toMatchObject({
      identity: IDENTITY,
      names: `URI:${IDENTITY}, DNS:reviews.bookinfo`,
      serial: issued.serial,
      issuer: 'O=cluster.local, CN=workloads',
      chain: ['O=cluster.local, CN=workloads'],
      status: 'valid',
    });
    const leafAlone = issued.certificate.slice(0, issued.certificate.indexOf('-----END CERTIFICATE-----') + 26);
    expect(describe(leafAlone, root.root).status).toBe('untrusted');
  });
});
