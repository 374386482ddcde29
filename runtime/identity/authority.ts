import type * as x509 from './x509.ts';
import { parseSpiffeId, type SpiffeId } from '#model/identity.ts';
import { workloadCertificate, type WorkloadCertificate } from './certificate.ts';
import { certificatePem, generateKeys, keyPem, sign, type CertificateProfile, type Signer } from './profile.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** A certificate is valid from this long before it was made, for peers whose clock is behind. */
export const BACKDATE_MS = 5 * MINUTE;
const DEFAULT_TTL_MS = DAY;
const ROOT_TTL_MS = 3650 * DAY;

interface IssueRequest {
  readonly spiffeId: SpiffeId;
  /** Life from now on; a day unless said otherwise. Never beyond the authority's own end. */
  readonly ttlMs?: number;
  readonly dns?: readonly string[];
}

/** Issues certificates. For development and tests: its key is in this process. */
export interface Authority {
  readonly trustDomain: string;
  /** PEM of the root that its certificates lead to. */
  readonly root: string;
  /** Throws if the identity is not one of the trust domain, before any key is made. */
  issue(request: IssueRequest): Promise<WorkloadCertificate>;
  /** As `issue`, with any field of the certificate replaced: what a test needs to be refused. Nothing is checked. */
  issueUnusual(request: IssueRequest, changes: Partial<CertificateProfile>): Promise<WorkloadCertificate>;
  /** An authority under this one; its certificates come with a chain. */
  intermediate(name: string): Promise<Authority>;
}

export interface AuthorityMaterial {
  readonly trustDomain: string;
  readonly signer: Signer & { readonly certificate: x509.X509Certificate };
  /** PEM of the certificates between a leaf and the root, the issuer first; empty for a root. */
  readonly chain: readonly string[];
  readonly root: string;
}

/** A new root authority, in memory alone; `openAuthority` keeps one in a folder. */
export async function createAuthority(trustDomain: string): Promise<Authority> {
  return authority(await createMaterial(trustDomain));
}

export async function createMaterial(trustDomain: string): Promise<AuthorityMaterial> {
  if (!/^[a-z0-9._-]{1,255}$/.test(trustDomain)) {
    throw new Error(`expected a trust domain of lower case letters, digits, ".", "_" and "-"; came "${trustDomain}"`);
  }
  const subject = `O=${trustDomain}, CN=Portolan development root`;
  const keys = await generateKeys();
  const certificate = await sign(authorityProfile(trustDomain, subject), keys.publicKey, { subject, keys });
  return { trustDomain, signer: { subject, keys, certificate }, chain: [], root: certificatePem(certificate) };
}

function authorityProfile(trustDomain: string, subject: string, notAfter?: Date): CertificateProfile {
  const now = Date.now();
  return {
    subject,
    uris: [`spiffe://${trustDomain}`],
    dns: [],
    isAuthority: true,
    usages: [],
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: notAfter ?? new Date(now + ROOT_TTL_MS),
  };
}

export function authority(material: AuthorityMaterial): Authority {
  const { trustDomain, signer, chain, root } = material;

  async function issueUnusual(
    request: IssueRequest,
    changes: Partial<CertificateProfile>,
  ): Promise<WorkloadCertificate> {
    const now = Date.now();
    const end = Math.min(now + (request.ttlMs ?? DEFAULT_TTL_MS), signer.certificate.notAfter.getTime());
    const profile: CertificateProfile = {
      subject: '',
      uris: [request.spiffeId],
      dns: request.dns ?? [],
      isAuthority: false,
      usages: ['client', 'server'],
      notBefore: new Date(now - BACKDATE_MS),
      notAfter: new Date(end),
      ...changes,
    };
    const keys = await generateKeys();
    const leaf = await sign(profile, keys.publicKey, signer);
    return workloadCertificate({
      identity: request.spiffeId,
      certificate: [certificatePem(leaf), ...chain].join(''),
      key: await keyPem(keys.privateKey),
      notBefore: leaf.notBefore,
      notAfter: leaf.notAfter,
      serial: leaf.serialNumber.toUpperCase(),
    });
  }

  return {
    trustDomain,
    root,
    issueUnusual,
    async issue(request) {
      check(request, trustDomain);
      return await issueUnusual(request, {});
    },
    async intermediate(name) {
      const subject = `O=${trustDomain}, CN=${name}`;
      const keys = await generateKeys();
      const profile = authorityProfile(trustDomain, subject, signer.certificate.notAfter);
      const certificate = await sign(profile, keys.publicKey, signer);
      return authority({
        trustDomain,
        signer: { subject, keys, certificate },
        chain: [certificatePem(certificate), ...chain],
        root,
      });
    },
  };
}

function check(request: IssueRequest, trustDomain: string): void {
  const parts = parseSpiffeId(request.spiffeId);
  if (parts?.trustDomain !== trustDomain) {
    throw new Error(
      `this authority issues spiffe://${trustDomain}/ns/<namespace>/sa/<service account>; came "${request.spiffeId}"`,
    );
  }
  if (request.ttlMs !== undefined && !(request.ttlMs > 0)) {
    throw new Error(`a certificate lives for a positive number of milliseconds; came ${request.ttlMs}`);
  }
}
