import { describe, expect, it, vi } from 'vitest';
import type { Finding } from '#model/finding.ts';
import { workloadCertificate, type WorkloadCertificate } from './certificate.ts';
import { rotating } from './rotation.ts';

const HOUR = 3_600_000;

/** A source on a clock of our own; certificates live 2 h and are numbered. */
async function setUp() {
  let clock = 0;
  let issued = 0;
  let failing = false;
  const findings: Finding[] = [];
  vi.useFakeTimers();
  const issue = async (): Promise<WorkloadCertificate> => {
    if (failing) throw new Error('the CA is away');
    return workloadCertificate({
      identity: 'spiffe://cluster.local/ns/a/sa/b',
      certificate: `certificate ${++issued}`,
      key: '',
      notBefore: new Date(clock),
      notAfter: new Date(clock + 2 * HOUR),
      serial: String(issued),
    });
  };
  const source = await rotating({
    issue,
    roots: () => 'roots',
    onFinding: (finding) => findings.push(finding),
    now: () => clock,
  });
  return {
    source,
    findings,
    fail: (on: boolean) => (failing = on),
    /** Sets the clock on and lets the timers of that time run. */
    pass: async (ms: number, step = 10_000) => {
      for (let gone = 0; gone < ms; gone += step) {
        clock += step;
        await vi.advanceTimersByTimeAsync(step);
      }
    },
    jump: async (ms: number) => {
      clock += ms;
      await vi.advanceTimersByTimeAsync(30_000);
    },
    serial: () => source.current().workload.serial,
  };
}

describe('rotation', () => {
  it('renews at half of life and tells those who listen, until they stop', async () => {
    const { source, pass, serial } = await setUp();
    const seen: string[] = [];
    const stop = source.onChange(({ workload }) => seen.push(workload.serial));
    await pass(HOUR - 10_000);
    expect(serial()).toBe('1');
    await pass(10_000);
    expect(serial()).toBe('2');
    await pass(HOUR);
    expect(seen).toEqual(['2', '3']);
    stop();
    await pass(HOUR);
    expect(serial()).toBe('4');
    expect(seen).toEqual(['2', '3']);
    source.close();
    await pass(3 * HOUR, 60_000);
    expect(serial()).toBe('4');
  });

  it('notices a clock that jumped ahead within a tick', async () => {
    const { jump, serial, source } = await setUp();
    await jump(1.5 * HOUR);
    expect(serial()).toBe('2');
    source.close();
  });

  it('keeps the old certificate while the CA is away, says so, and recovers', async () => {
    const { fail, findings, pass, serial, source } = await setUp();
    fail(true);
    await pass(HOUR + 60_000);
    expect(serial()).toBe('1');
    expect(findings[0]).toMatchObject({ code: 'PTL2102', level: 'warning' });
    expect(findings[0]?.message).toContain('the CA is away');
    await pass(HOUR);
    expect(findings.at(-1)).toMatchObject({ level: 'error' });
    // Tried again about every minute, not in a loop.
    expect(findings.length).toBeLessThan(80);
    fail(false);
    await pass(70_000);
    expect(serial()).toBe('2');
    expect(findings.at(-1)).toMatchObject({ level: 'info' });
    source.close();
  });
});
