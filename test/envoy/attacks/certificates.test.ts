import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HboneTls } from '#hbone/tls.ts';
import type { CertificateProfile } from '#identity/profile.ts';
import { createAuthority } from '#identity/authority.ts';
import { knock, openDoor } from './door.ts';
import { Http2Peer } from './frames.ts';
import { startAttackWorld, type AttackWorld } from './world.ts';

const TARGETS = { web: {} } as const;
const ALICE = 'spiffe://cluster.local/ns/default/sa/alice';
const HOUR = 3_600_000;

describe('certificates', () => {
  let world: AttackWorld<keyof typeof TARGETS>;
  beforeAll(async () => {
    world = await startAttackWorld(48, TARGETS);
  });
  afterAll(() => world?.stop());

  async function unusual(changes: Partial<CertificateProfile>, authority = world.mesh.authority): Promise<HboneTls> {
    const { certificate, key } = await authority.issueUnusual({ spiffeId: ALICE }, changes);
    return { cert: certificate, key, ca: world.mesh.authority.root };
  }

  it('Z7 serves a good one, so that the refusals below mean something', async () => {
    expect(await knock(world.mesh, await unusual({}), world.at.web)).toBe(200);
    const intermediate = await world.mesh.authority.intermediate('a CA under ours');
    expect(await knock(world.mesh, await unusual({}, intermediate), world.at.web)).toBe(200);
  });

  const refusedByTls: readonly (readonly [name: string, changes: Partial<CertificateProfile>])[] = [
    ['no alternative name', { uris: [], subject: 'CN=alice' }],
    ['a DNS name only', { uris: [], dns: ['alice.default'], subject: 'CN=alice' }],
    ['a DNS name that looks like an identity', { uris: [], dns: [ALICE], subject: 'CN=alice' }],
    ['a foreign trust domain', { uris: ['spiffe://other.example/ns/default/sa/alice'] }],
    ['a trust domain that begins like ours', { uris: ['spiffe://cluster.local.evil/ns/default/sa/alice'] }],
    ['a trust domain whose dot is another character', { uris: ['spiffe://clusterxlocal/ns/default/sa/alice'] }],
    ['a trust domain with a port', { uris: ['spiffe://cluster.local:1/ns/default/sa/alice'] }],
    ['a trust domain in upper case', { uris: ['spiffe://CLUSTER.LOCAL/ns/default/sa/alice'] }],
    ['another scheme', { uris: ['https://cluster.local/ns/default/sa/alice'] }],
    ['the trust domain alone, as its CA has it', { uris: ['spiffe://cluster.local'] }],
    ['a longer path (A15)', { uris: ['spiffe://cluster.local/ns/evil/sa/x/ns/default/sa/alice'] }],
    ['a path of another form (A15)', { uris: ['spiffe://cluster.local/sa/alice/ns/default'] }],
    ['a slash at the end (A15)', { uris: [`${ALICE}/`] }],
    ['an empty namespace (A15)', { uris: ['spiffe://cluster.local/ns//sa/alice'] }],
    ['a query (A15)', { uris: [`${ALICE}?x`] }],
    ['a fragment (A15)', { uris: [`${ALICE}#x`] }],
    ['an escape (A15)', { uris: ['spiffe://cluster.local/ns/default/sa/al%69ce'] }],
    ['a NUL (E8)', { uris: [`${ALICE}\0.evil`] }],
    ['a NUL in front (E8)', { uris: [`\0${ALICE}`] }],
    ['a comma', { uris: [`${ALICE},spiffe://cluster.local/ns/default/sa/bob`] }],
    ['a line end', { uris: [`${ALICE}\n`] }],
    ['an end that has been', { notBefore: new Date(Date.now() - 2 * HOUR), notAfter: new Date(Date.now() - HOUR) }],
    [
      'a beginning that is to come',
      { notBefore: new Date(Date.now() + HOUR), notAfter: new Date(Date.now() + 2 * HOUR) },
    ],
    ['the usage of a server alone', { usages: ['server'] }],
    ['the mark of a CA', { isAuthority: true }],
  ];

  it.each(refusedByTls)('Z7 a certificate with %s is refused at the handshake', async (_name, changes) => {
    const before = world.backend.connections();
    const answer = await knock(world.mesh, await unusual(changes), world.at.web);
    expect(String(answer)).toMatch(/ERR_SSL_.*(ALERT|EXPIRED|UNKNOWN|BAD|UNSUPPORTED)|ECONNRESET|closed/);
    expect(world.backend.connections()).toBe(before);
  });

  it('Z7 a certificate without usages is good for any, as RFC 5280 and SPIFFE have it', async () => {
    expect(await knock(world.mesh, await unusual({ usages: [] }), world.at.web)).toBe(200);
  });

  it.each([
    ['two identities of ours', [ALICE, 'spiffe://cluster.local/ns/default/sa/bob']],
    ['one of ours and one of another', ['spiffe://other.example/ns/default/sa/alice', ALICE]],
    ['ours twice', [ALICE, ALICE]],
    ['one of ours and something else', [ALICE, 'https://example.com/']],
  ])('Z7 a certificate with several names, %s, opens no tunnel', async (_name, uris) => {
    const before = world.backend.connections();
    expect(await knock(world.mesh, await unusual({ uris }), world.at.web)).toBe(403);
    expect(world.backend.connections()).toBe(before);
  });

  it('Z7 a CA that is not ours, and one that only calls itself as ours does, vouches for nobody', async () => {
    const stranger = await createAuthority('cluster.local');
    for (const authority of [stranger, await stranger.intermediate('Portolan development root')]) {
      expect(String(await knock(world.mesh, await unusual({}, authority), world.at.web))).toMatch(
        /UNKNOWN_CA|ECONNRESET/,
      );
    }
  });

  it('Z7 no certificate, and no TLS older than 1.3', async () => {
    const { root: ca } = world.mesh.authority;
    expect(String(await knock(world.mesh, { ca }, world.at.web))).toMatch(/CERTIFICATE_REQUIRED|ECONNRESET/);
    const old = openDoor(world.mesh, await unusual({}), { maxVersion: 'TLSv1.2' });
    await expect(old).rejects.toThrow(/protocol version|ECONNRESET/);
  });

  it('Z13 a session is never resumed: each connection proves its certificate', async () => {
    const tls = await unusual({});
    const tickets: Buffer[] = [];
    const socket = await openDoor(world.mesh, tls);
    socket.on('session', (ticket) => tickets.push(ticket));
    // Tickets of TLS 1.3 come with the first bytes that the server has to say.
    const peer = new Http2Peer(socket);
    expect(await peer.until(() => peer.frames.length > 0)).toBe(true);
    const session = socket.getSession();
    socket.destroy();
    expect(tickets).toEqual([]);
    const again = await openDoor(world.mesh, tls, session ? { session } : {});
    expect(again.isSessionReused()).toBe(false);
    again.destroy();
  });
});
