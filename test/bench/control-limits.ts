import type { Measurement } from './control-plane.ts';

/** A limit of the control plane, and what this run gave. */
export interface ControlVerdict {
  readonly name: string;
  readonly unit: string;
  readonly limit: number;
  readonly measured: number;
  readonly met: boolean;
}

/** Limits as the project was given them; those of single changes are for a mesh of 1,000 services. */
export function controlVerdicts(lines: readonly Measurement[]): readonly ControlVerdict[] {
  const figure = (bench: string, name: string, of: Readonly<Record<string, number | string>>): number | undefined => {
    const line = lines.find(
      (one) => one.bench === bench && Object.entries(of).every(([key, value]) => one[key] === value),
    );
    const value = line?.[name];
    return typeof value === 'number' ? value : undefined;
  };
  const ours = { shape: 'ours', services: 1_000 };
  const inline = { shape: 'inline', services: 1_000 };
  const over = (a: number | undefined, b: number | undefined): number | undefined =>
    a === undefined || b === undefined ? undefined : a / b;
  const translated = (services: number) => figure('translation', 'cpu', { services });
  const edited = (shape: typeof ours, name: string) => figure('one policy edited', name, shape);
  const rows: readonly (readonly [name: string, unit: string, limit: number, measured: number | undefined])[] = [
    ['1,000 services translated, warm: CPU', 'ms', 150, translated(1_000)],
    ['10,000 services / 1,000', '×', 12, over(translated(10_000), translated(1_000))],
    ['one policy edited: CPU of the runtime', 'ms', 15, edited(ours, 'runtimeCpu')],
    ['one policy edited: sent', 'bytes', 4_096, edited(ours, 'bytes')],
    [
      "one policy edited: time to ACK / Istio's shape",
      '×',
      0.05,
      over(edited(ours, 'toAckMs'), edited(inline, 'toAckMs')),
    ],
    ['policy of another namespace: sent', 'bytes', 0, figure('policy of another namespace', 'bytes', ours)],
    [
      'requests allowed after the ACK of a deny',
      '',
      0,
      figure('stale requests after a deny', 'stale', { shape: 'ours' }),
    ],
  ];
  return rows.flatMap(([name, unit, limit, measured]) =>
    measured === undefined ? [] : [{ name, unit, limit, measured, met: measured <= limit }],
  );
}
