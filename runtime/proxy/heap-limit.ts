import { readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';

/** Of the memory that this machine or container has; the rest is V8's and the kernel's. */
const SHARE = 0.8;

/** Bytes that Envoy's heap may grow to: 80 % of the container's limit (cgroup 2 or 1), else of the machine's memory. */
export async function heapLimit(): Promise<number> {
  const limits = await Promise.all(
    ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'].map(read),
  );
  // Without a limit cgroup 2 says "max", cgroup 1 a number beyond all memory.
  return Math.floor(Math.min(totalmem(), ...limits.filter((limit) => limit > 0)) * SHARE);
}

async function read(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return Number.parseInt(text, 10) || 0;
}
