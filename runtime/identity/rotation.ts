import type { Finding } from '#model/finding.ts';
import type { WorkloadCertificate } from './certificate.ts';
import { changing, type CredentialSource } from './source.ts';

export interface RotationOptions {
  /** Makes the next certificate; may fail, it is then asked again. */
  readonly issue: () => Promise<WorkloadCertificate>;
  /** PEM of the trusted roots; asked again with each certificate. */
  readonly roots: () => string;
  /** What is wrong, and that it is right again (level info). */
  readonly onFinding: (finding: Finding) => void;
  /** Milliseconds since the epoch; replaced in tests. */
  readonly now?: () => number;
  /** How often the wall clock is read, at most. */
  readonly tickMs?: number;
}

const RETRY_MS = { first: 1_000, longest: 60_000 };

/**
 * A source that renews its certificate at half of its life, which leaves the other half for a CA that is away.
 * It looks at the wall clock every tick instead of setting one long timer: a machine that slept, or whose clock was
 * set, renews within a tick. A failed renewal is tried again, after 1 s up to 60 s; the old certificate stays.
 */
export async function rotating(options: RotationOptions): Promise<CredentialSource> {
  const { issue, roots, onFinding, now = Date.now, tickMs = 30_000 } = options;
  const first = await issue();
  const { source, replace } = changing({ workload: first, roots: roots() });
  let renewAt = halfLife(first, now());
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const schedule = (waitMs: number): void => {
    if (!closed) timer = setTimeout(() => void tick(), Math.max(0, Math.min(waitMs, tickMs))).unref();
  };

  async function tick(): Promise<void> {
    if (now() < renewAt) return schedule(renewAt - now());
    try {
      const next = await issue();
      if (closed) return;
      renewAt = halfLife(next, now());
      if (failures > 0) onFinding(renewed(next));
      failures = 0;
      replace({ workload: next, roots: roots() });
    } catch (error) {
      failures++;
      renewAt = now() + Math.min(RETRY_MS.first * 2 ** (failures - 1), RETRY_MS.longest);
      onFinding(notRenewed(source.current().workload, error, now()));
    }
    schedule(renewAt - now());
  }

  schedule(renewAt - now());
  return {
    ...source,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** Half of what is left when it is made; `notBefore` is backdated and says nothing about that. */
const halfLife = (certificate: WorkloadCertificate, now: number): number =>
  now + Math.max(0, certificate.notAfter.getTime() - now) / 2;

function notRenewed(current: WorkloadCertificate, error: unknown, now: number): Finding {
  const expired = current.notAfter.getTime() <= now;
  return {
    code: 'PTL2102',
    level: expired ? 'error' : 'warning',
    path: '',
    message: `the certificate of ${current.identity} could not be renewed: ${error instanceof Error ? error.message : String(error)}`,
    effect: expired
      ? `it ended ${current.notAfter.toISOString()}: new connections are refused, as they must be`
      : `the present one serves until ${current.notAfter.toISOString()}`,
    next: 'none: it is tried again every minute at least',
  };
}

const renewed = (certificate: WorkloadCertificate): Finding => ({
  code: 'PTL2102',
  level: 'info',
  path: '',
  message: `the certificate of ${certificate.identity} is renewed, until ${certificate.notAfter.toISOString()}`,
});
