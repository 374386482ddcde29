const units: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};

/**
 * Milliseconds of a duration as Kubernetes APIs write it: `1h`, `1m30s`, `0.5s`, `100ms`, `0`. Undefined when it is
 * none. Less than a millisecond is rounded up, so that a timeout never becomes "no timeout".
 */
export function milliseconds(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^(?:\d+(?:\.\d*)?(?:h|ms|m|s|us|µs|ns))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d*)?)(h|ms|m|s|us|µs|ns)/g))
    total += Number(amount) * units[unit!]!;
  return Math.ceil(total);
}
