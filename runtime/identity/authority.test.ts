import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import * as x509 from './x509.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAuthority } from './authority-folder.ts';
import { BACKDATE_MS, createAuthority } from './authority.ts';
import { pemCertificates } from './pem.ts';

const IDENTITY = 'spiffe://cluster.local/ns/bookinfo/sa/productpage';

describe('a certificate of the development authority', () => {
  it('has the form of an X.509-SVID', async () => {
    const authority = await createAuthority('cluster.local');
    const issued = await authority.issue({ spiffeId: IDENTITY });
    const leaf = new x509.X509Certificate(issued.certificate);

    expect(leaf.subject).toBe('');
    const names = leaf.getExtension(x509.SubjectAlternativeNameExtension);
    expect(names?.critical).toBe(true);
    expect(names?.names.toJSON()).toEqual([{ type: 'url', value: IDENTITY }]);
    expect(leaf.getExtension(x509.BasicConstraintsExtension)?.ca).toBe(false);
    expect(leaf.getExtension(x509.KeyUsagesExtension)?.usages).toBe(x509.KeyUsageFlags.digitalSignature);
    expect(leaf.getExtension(x509.ExtendedKeyUsageExtension)?.usages).toEqual([
      x509.ExtendedKeyUsage.clientAuth,
      x509.ExtendedKeyUsage.serverAuth,
    ]);
    expect(new X509Certificate(issued.certificate).verify(new X509Certificate(authority.root).publicKey)).toBe(true);
    expect(new X509Certificate(issued.certificate).serialNumber).toBe(issued.serial);
  });

  it('is backdated for slow clocks and never outlives its authority', async () => {
    const authority = await createAuthority('cluster.local');
    const before = Date.now();
    const { notBefore, notAfter } = await authority.issue({ spiffeId: IDENTITY, ttlMs: 60_000 });
    expect(notBefore.getTime()).toBeLessThanOrEqual(before - BACKDATE_MS + 1_000);
    expect(notAfter.getTime() - before).toBeGreaterThan(58_000);
    expect(notAfter.getTime() - before).toBeLessThan(62_000);

    const endless = await authority.issue({ spiffeId: IDENTITY, ttlMs: 1e13 });
    expect(endless.notAfter).toEqual(new Date(new X509Certificate(authority.root).validTo));
  });

  it.each([
    'spiffe://other.example/ns/bookinfo/sa/productpage',
    'spiffe://cluster.local/ns/bookinfo',
    'spiffe://cluster.local/ns/evil/sa/x/ns/bookinfo/sa/productpage',
    'spiffe://cluster.local/ns/../sa/x',
    'spiffe://cluster.local/ns/a/sa/b\0.evil',
    'https://cluster.local/ns/a/sa/b',
    '',
  ])('is not issued for %j', async (spiffeId) => {
    const authority = await createAuthority('cluster.local');
    await expect(authority.issue({ spiffeId })).rejects.toThrow('this authority issues spiffe://cluster.local/ns/');
  });

  it('comes with its chain below an intermediate', async () => {
    const root = await createAuthority('cluster.local');
    const below = await (await root.intermediate('one')).intermediate('two');
    const issued = await below.issue({ spiffeId: IDENTITY });
    const chain = [...pemCertificates(issued.certificate), root.root].map((pem) => new X509Certificate(pem));
    expect(chain).toHaveLength(4);
    chain.slice(1).forEach((issuer, index) => expect(chain[index]?.verify(issuer.publicKey)).toBe(true));
    expect(below.root).toBe(root.root);
  });

  it('shows its key to nobody who prints it', async () => {
    const issued = await (await createAuthority('cluster.local')).issue({ spiffeId: IDENTITY });
    expect(issued.key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    for (const text of [inspect(issued), JSON.stringify({ issued }), inspect({ deep: [issued] }, { depth: 9 })]) {
      expect(text).toContain('[private key]');
      expect(text).not.toContain(issued.key.split('\n')[1]);
    }
  });
});

describe('an authority kept in a folder', () => {
  let parent: string;
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'authority-'));
  });
  afterEach(() => rm(parent, { recursive: true }));

  it('is made once, also by several at a time, and only its owner reads it', async () => {
    const folder = join(parent, 'state/ca');
    const opened = await Promise.all(Array.from({ length: 5 }, () => openAuthority(folder, 'cluster.local')));
    expect(new Set(opened.map(({ root }) => root)).size).toBe(1);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, 'root.key'))).mode & 0o777).toBe(0o600);

    const issued = await (await openAuthority(folder, 'cluster.local')).issue({ spiffeId: IDENTITY });
    const root = new X509Certificate(opened[0]?.root ?? '');
    expect(new X509Certificate(issued.certificate).verify(root.publicKey)).toBe(true);
  });

  it('is refused for another trust domain, and when its parts do not belong together', async () => {
    const folder = join(parent, 'ca');
    await openAuthority(folder, 'cluster.local');
    await expect(openAuthority(folder, 'other.example')).rejects.toThrow(
      'a certificate for URI:spiffe://cluster.local',
    );

    const other = join(parent, 'other');
    await openAuthority(other, 'cluster.local');
    const foreignKey = await readFile(join(other, 'root.key'), 'utf8');
    await writeFile(join(folder, 'root.key'), foreignKey);
    await expect(openAuthority(folder, 'cluster.local')).rejects.toThrow('root.key belongs to another certificate');
    await writeFile(join(folder, 'root.key'), foreignKey.slice(0, 80));
    const failure = await openAuthority(folder, 'cluster.local').catch((error: Error) => error.message);
    expect(failure).toContain('root.key is not an ECDSA P-256 key');
    expect(failure).not.toContain(foreignKey.slice(30, 60));
    await rm(join(folder, 'root.crt'));
    await expect(openAuthority(folder, 'cluster.local')).rejects.toThrow('no root.crt');
  });
});
