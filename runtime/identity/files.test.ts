import { mkdtemp, readFile, rename, rm, symlink, unlink, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Finding } from '#model/finding.ts';
import { createAuthority, type Authority } from './authority.ts';
import { readCredentials, watchCredentials, type CredentialFiles } from './files.ts';
import type { CredentialSource } from './source.ts';

const IDENTITY = 'spiffe://cluster.local/ns/bookinfo/sa/waypoint';

describe('credentials from files', () => {
  let folder: string;
  let authority: Authority;
  let files: CredentialFiles;
  let source: CredentialSource | undefined;
  const findings: Finding[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'credentials-'));
    authority = await createAuthority('cluster.local');
    files = { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key'), roots: join(folder, 'ca.crt') };
    findings.length = 0;
    await put();
    await writeFile(files.roots, authority.root);
  });
  afterEach(async () => {
    source?.close();
    await rm(folder, { recursive: true });
  });

  async function put() {
    const issued = await authority.issue({ spiffeId: IDENTITY });
    await writeFile(files.certificate, issued.certificate);
    await writeFile(files.key, issued.key);
    return issued;
  }
  const watchFiles = async () =>
    (source = await watchCredentials(files, { debounceMs: 10, pollMs: 200, onFinding: (one) => findings.push(one) }));
  const serial = () => source?.current().workload.serial;

  it('follow a new pair, and new roots', async () => {
    await watchFiles();
    const changes: string[] = [];
    source?.onChange(({ workload }) => changes.push(workload.serial));
    const next = await put();
    await vi.waitFor(() => expect(serial()).toBe(next.serial), 2_000);
    expect(changes).toEqual([next.serial]);

    const second = await createAuthority('cluster.local');
    await writeFile(files.roots, authority.root + second.root);
    await vi.waitFor(() => expect(source?.current().roots).toContain(second.root), 2_000);
  });

  it('keep the old pair while the new one is half written', async () => {
    const before = (await readCredentials(files)).workload.serial;
    await watchFiles();
    const next = await authority.issue({ spiffeId: IDENTITY });
    await writeFile(files.certificate, next.certificate);
    await vi.waitFor(() => expect(findings.at(-1)?.message).toContain('is not the key of'), 2_000);
    expect(serial()).toBe(before);
    await writeFile(files.key, next.key.slice(0, 100));
    await vi.waitFor(() => expect(findings.at(-1)?.message).toContain('is not a whole private key'), 2_000);
    expect(serial()).toBe(before);
    await writeFile(files.key, next.key);
    await vi.waitFor(() => expect(serial()).toBe(next.serial), 2_000);
    expect(JSON.stringify(findings)).not.toContain(next.key.slice(40, 80));
  });

  it.each(['certificate', 'roots'] as const)('keep the old ones while %s is truncated or gone', async (which) => {
    const before = (await readCredentials(files)).workload.serial;
    await watchFiles();
    const whole = await readFile(files[which], 'utf8');
    await writeFile(files[which], whole.slice(0, whole.length / 2));
    await vi.waitFor(() => expect(findings.at(-1)?.message).toContain('is not whole PEM'), 2_000);
    await unlink(files[which]);
    await vi.waitFor(() => expect(findings.at(-1)?.message).toContain('cannot be read (ENOENT)'), 2_000);
    expect(serial()).toBe(before);
  });

  it('follow the symlink swap of a Kubernetes volume', async () => {
    const mount = join(folder, 'mount');
    const version = async (name: string) => {
      const issued = await put();
      await mkdir(join(mount, name), { recursive: true });
      await writeFile(join(mount, name, 'tls.crt'), issued.certificate);
      await writeFile(join(mount, name, 'tls.key'), issued.key);
      await writeFile(join(mount, name, 'ca.crt'), authority.root);
      await symlink(name, join(mount, '..data_tmp'));
      await rename(join(mount, '..data_tmp'), join(mount, '..data'));
      return issued.serial;
    };
    await version('..1');
    for (const name of ['tls.crt', 'tls.key', 'ca.crt']) await symlink(join('..data', name), join(mount, name));
    files = { certificate: join(mount, 'tls.crt'), key: join(mount, 'tls.key'), roots: join(mount, 'ca.crt') };
    await watchFiles();
    const second = await version('..2');
    await vi.waitFor(() => expect(serial()).toBe(second), 2_000);
  });

  it('are refused without one SPIFFE identity', async () => {
    const dnsOnly = await authority.issueUnusual({ spiffeId: IDENTITY }, { uris: [], dns: ['a.example'] });
    await writeFile(files.certificate, dnsOnly.certificate);
    await writeFile(files.key, dnsOnly.key);
    await expect(readCredentials(files)).rejects.toThrow('came DNS:a.example');
  });
});
