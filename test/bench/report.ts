import { controlVerdicts } from './control-limits.ts';
import type { Measurement } from './control-plane.ts';
import type { Figure, Spread } from './data-plane/figure.ts';
import type { DataPlaneResult } from './data-plane/index.ts';
import type { Verdict } from './data-plane/verdict.ts';
import type { Results } from './results.ts';

type Row = readonly string[];

/** Load average of a minute from which on somebody else is at work. */
const BUSY = 0.7;

/** The results as Markdown whose tables are also aligned as plain text. */
export function report(results: Results): string {
  const { machine, began, seconds, quick, control, data } = results;
  const { processor, processors, memoryGb, system, node, envoy } = machine;
  const parts = [
    '# Benchmark',
    `${processors} × ${processor}, ${memoryGb} GB, ${system}; Envoy ${envoy}, Node ${node}. ${began}, ${seconds} s.`,
  ];
  if (quick) parts.push('**Run with --quick: too few rounds for these numbers to mean anything.**');
  if (machine.load > BUSY) {
    parts.push(`**Others used this machine: its load was ${machine.load.toFixed(1)} when the run began.**`);
  }
  if (data) parts.push(...dataPlane(data));
  if (control) {
    const units = 'CPU and times in milliseconds, sizes in bytes.';
    parts.push(...controlLimits(control), '## Control plane', units, ...controlPlane(control));
  }
  return `${parts.join('\n\n')}\n`;
}

function dataPlane({ load, seed, single, waypoint, verdicts }: DataPlaneResult): readonly string[] {
  const rounds = (figures: readonly Figure[]): number => figures[0]?.rounds.length ?? 0;
  const parts: string[] = [];
  if (verdicts.length > 0) parts.push('## Data plane: limits', verdictTable(verdicts));
  if (single.length > 0) {
    parts.push(
      '## Data plane: one Envoy, direct response',
      `Worker CPU a request: median (min to max) of ${rounds(single)} alternating rounds, pinned, ${load}, ` +
        `16 connections, random keys, seed ${seed}. Added and times: against no filter in the same round.`,
      figureTable(single),
    );
  }
  if (waypoint.length > 0) {
    parts.push(
      '## Data plane: HBONE waypoint',
      `Worker CPU a request of the middle one of three Envoys, ${rounds(waypoint)} rounds, 32 connections: ` +
        'mutual TLS and CONNECT in and out, HTTP/1.1 inside.',
      figureTable(waypoint),
    );
  }
  return parts;
}

const figureTable = (figures: readonly Figure[]): string =>
  markdown(
    ['variant', 'µs/request', 'added µs', 'times', 'requests/s'],
    figures.map(({ name, cpu, added, ratio, requestsPerSecond }) => [
      name,
      shown(cpu),
      added ? shown(added) : '',
      ratio ? shown(ratio) : '',
      requestsPerSecond.toLocaleString('en'),
    ]),
  );

const verdictTable = (verdicts: readonly Verdict[]): string =>
  markdown(
    ['limit', 'at most', 'measured', ''],
    verdicts.map(({ name, unit, limit, measured, outcome }) => [
      name,
      `${number(limit)} ${unit}`,
      `${shown(measured)} ${unit}`,
      outcomeText(outcome),
    ]),
  );

const outcomeText = (outcome: Verdict['outcome']): string => (outcome === 'met' ? outcome : `**${outcome}**`);

const shown = ({ median, min, max }: Spread): string => `${number(median)} (${number(min)} to ${number(max)})`;

/** Three significant digits or so: more would be noise. */
export function number(value: number): string {
  const size = Math.abs(value);
  if (Number.isInteger(value)) return value.toLocaleString('en');
  if (size >= 100) return Math.round(value).toLocaleString('en');
  if (size >= 10) return value.toFixed(1);
  return value.toFixed(size >= 0.2 ? 2 : 3);
}

function controlLimits(lines: readonly Measurement[]): readonly string[] {
  const rows = controlVerdicts(lines).map(({ name, unit, limit, measured, met }) => [
    name,
    `${number(limit)} ${unit}`.trim(),
    `${number(measured)} ${unit}`.trim(),
    outcomeText(met ? 'met' : 'missed'),
  ]);
  return rows.length === 0 ? [] : ['## Control plane: limits', markdown(['limit', 'at most', 'measured', ''], rows)];
}

/** A table for each kind of measurement, since each has columns of its own. */
function controlPlane(lines: readonly Measurement[]): readonly string[] {
  const kinds = [...new Set(lines.map(({ bench }) => bench))];
  return kinds.flatMap((kind) => {
    const rows = lines.filter(({ bench }) => bench === kind);
    const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((column) => column !== 'bench');
    const cell = (value: number | string | undefined): string =>
      typeof value === 'number' ? value.toLocaleString('en', { maximumFractionDigits: 2 }) : (value ?? '');
    return [
      `### ${kind[0]?.toUpperCase() ?? ''}${kind.slice(1)}`,
      markdown(
        columns,
        rows.map((row) => columns.map((column) => cell(row[column]))),
      ),
    ];
  });
}

/** The first column to the left, the others to the right, as numbers are. */
function markdown(head: Row, rows: readonly Row[]): string {
  const widths = head.map((title, i) => Math.max(3, title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: Row): string =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
