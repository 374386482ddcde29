import { setTimeout as sleep } from 'node:timers/promises';
import { Dice } from '../../vectors/dice.ts';
import { difference, paired, quotient, spread, type Figure } from './figure.ts';
import type { Load, Target } from './load.ts';
import { workerCpu } from './processor.ts';

/** One thing to be measured: a port of the Envoy under test, and the requests that are sent there. */
export interface Variant extends Target {
  readonly name: string;
  readonly baseline?: string;
  /** How often it is measured in a round. What many are compared to is measured more often. */
  readonly repeats?: number;
}

export interface RoundOptions {
  readonly load: Load;
  /** Process id of the Envoy whose workers are measured. */
  readonly pid: number;
  readonly rounds: number;
  readonly sliceMs: number;
  /** Of the order of variants, new in each round. */
  readonly seed: number;
  readonly progress: (text: string) => void;
}

interface Sum {
  cpuNs: number;
  requests: number;
  seconds: number;
}

/** Long enough for a hundred callers to be met, whose metrics are created at their first request. */
const WARM_UP_MS = 300;

/** Connections are closed and their memory is free again. */
const SETTLE_MS = 20;

/**
 * Measures all variants in alternating rounds, each round in an order of its own, after a round that only warms up.
 * Throws when a single request failed: a variant that refuses is not measured but broken.
 */
export async function measure(variants: readonly Variant[], options: RoundOptions): Promise<readonly Figure[]> {
  const { rounds, sliceMs, seed, progress } = options;
  const dice = new Dice(seed);
  for (const variant of variants) await slice(variant, WARM_UP_MS, options);
  const samples = new Map(variants.map((variant) => [variant.name, [] as Sum[]]));
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`);
    const sums = new Map(variants.map((variant) => [variant.name, { cpuNs: 0, requests: 0, seconds: 0 }]));
    for (const variant of shuffled(variants.flatMap(repeated), dice)) {
      const sum = sums.get(variant.name);
      const { cpuNs, requests, seconds } = await slice(variant, sliceMs, options);
      if (sum === undefined) continue;
      sum.cpuNs += cpuNs;
      sum.requests += requests;
      sum.seconds += seconds;
    }
    for (const [name, sum] of sums) samples.get(name)?.push(sum);
  }
  const cpu = new Map([...samples].map(([name, sums]) => [name, sums.map((sum) => sum.cpuNs / sum.requests / 1_000)]));
  return variants.map((variant) => figure(variant, samples.get(variant.name) ?? [], cpu));
}

/** Those whose name has `only` in it, with the baselines that they are compared to; all when it is undefined. */
export function chosen<T extends { readonly name: string; readonly baseline?: string }>(
  variants: readonly T[],
  only: string | undefined,
): readonly T[] {
  if (only === undefined) return variants;
  const named = variants.filter(({ name }) => name.includes(only));
  const baselines = new Set(named.map(({ baseline }) => baseline));
  return variants.filter((variant) => named.includes(variant) || baselines.has(variant.name));
}

const repeated = (variant: Variant): Variant[] => Array.from({ length: variant.repeats ?? 1 }, () => variant);

async function slice(variant: Variant, ms: number, { load, pid }: RoundOptions): Promise<Sum> {
  const before = workerCpu(pid);
  const { requests, seconds, failed } = await load.drive(variant, ms);
  await sleep(SETTLE_MS);
  if (failed > 0 || requests === 0) {
    throw new Error(
      `${variant.name}: expected every request to be answered with 200, came ${failed} others of ${requests + failed}`,
    );
  }
  return { cpuNs: workerCpu(pid) - before, requests, seconds };
}

function figure(variant: Variant, sums: readonly Sum[], cpu: ReadonlyMap<string, readonly number[]>): Figure {
  const { name, baseline } = variant;
  const rounds = cpu.get(name) ?? [];
  const base = baseline === undefined ? undefined : cpu.get(baseline);
  if (baseline !== undefined && base === undefined)
    throw new Error(`${name}: its baseline ${baseline} is not measured`);
  const total = (pick: (sum: Sum) => number): number => sums.reduce((all, sum) => all + pick(sum), 0);
  return {
    name,
    ...(baseline === undefined ? {} : { baseline }),
    rounds,
    cpu: spread(rounds),
    ...(base === undefined
      ? {}
      : { added: spread(paired(rounds, base, difference)), ratio: spread(paired(rounds, base, quotient)) }),
    requestsPerSecond: Math.round(total((sum) => sum.requests) / total((sum) => sum.seconds)),
    requests: total((sum) => sum.requests),
  };
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], dice: Dice): readonly T[] {
  const list = [...items];
  for (let i = list.length - 1; i > 0; i--) {
    const j = dice.below(i + 1);
    [list[i], list[j]] = [list[j] as T, list[i] as T];
  }
  return list;
}
