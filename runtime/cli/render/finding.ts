import type { PlacedFinding, Place } from '#admin/api.ts';
import type { Level, ResourceRef } from '#model/finding.ts';
import type { FailureDetails } from '../failure.ts';
import { printable, type Style } from './style.ts';

/** `mesh/reviews.yaml:18:15` */
const placeText = ({ file, line, column }: Place): string => `${file}:${line}:${column}`;

/** `HTTPRoute bookinfo/reviews`; without a namespace `GatewayClass portolan`. */
const resourceText = ({ kind, namespace, name }: ResourceRef): string =>
  `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`;

const paintOf = (level: Level, style: Style): ((text: string) => string) =>
  level === 'error' ? style.red : level === 'warning' ? style.yellow : style.cyan;

/**
 * A finding by the template that all errors follow: a first line whole in itself, then where, what was expected, what
 * came, what traffic does because of it, and what to do next.
 */
export function findingText(finding: PlacedFinding, style: Style): string {
  const where = [
    finding.place && placeText(finding.place),
    finding.resource && resourceText(finding.resource),
    finding.path,
  ].filter((part) => part !== undefined && part !== '');
  const { level, code, message, expected, came, effect, next } = finding;
  return template(level, message, [where.join('  '), { code, expected, came, effect, next }], style);
}

/** An error that is no finding: the same template without a resource. */
export function failureText(message: string, details: FailureDetails, style: Style): string {
  return template('error', message, ['', details], style);
}

function template(
  level: Level,
  message: string,
  [where, { code, expected, came, effect, next }]: readonly [
    string,
    { readonly [K in keyof FailureDetails]?: string | undefined },
  ],
  style: Style,
): string {
  const help = code === undefined ? undefined : `portolan help ${code}`;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['at', where === '' ? undefined : where],
    ['expected', expected],
    ['came', came],
    ['effect', effect],
    ['next', [next, help].filter((part) => part !== undefined).join(';  ') || undefined],
  ];
  const head = `${paintOf(level, style)(style.bold(`${level}${code === undefined ? '' : ` ${code}`}`))}: ${printable(message)}\n`;
  const body = rows.map(([name, text]) => {
    if (text === undefined) return '';
    const lines = printable(text).split('\n');
    return `  ${style.dim(name.padEnd(8))}  ${lines.join(`\n${' '.repeat(12)}`)}\n`;
  });
  return head + body.join('');
}

/** One line: `mesh/a.yaml:18:15: error PTL1203: …`, which editors and grep understand. */
export function shortFinding(finding: PlacedFinding): string {
  const where = finding.place ? placeText(finding.place) : finding.resource ? resourceText(finding.resource) : '-';
  return `${where}: ${finding.level} ${finding.code}: ${printable(finding.message)}\n`;
}

/** A workflow command of GitHub Actions, so that the finding is shown at its line in a pull request. */
export function githubFinding(finding: PlacedFinding): string {
  const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
  const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const { level, code, place, message, effect, next } = finding;
  const kind = level === 'info' ? 'notice' : level;
  const parts = [
    ...(place ? [`file=${property(place.file)}`, `line=${place.line}`, `col=${place.column}`] : []),
    `title=${property(code)}`,
  ];
  return `::${kind} ${parts.join(',')}::${data([message, effect, next].filter(Boolean).join('\n'))}\n`;
}
