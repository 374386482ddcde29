import { API_VERSION, type PlacedFinding } from '#admin/api.ts';
import type { Level } from '#model/finding.ts';
import { policyFindings } from '#policy/analysis/finding.ts';
import { kinds } from '#resources/kinds.ts';
import type { ResourceSet } from '#resources/resource-set.ts';
import type { RunOf } from './command.ts';
import type { check } from './commands/check.ts';
import { EXIT } from './exit.ts';
import { usage } from './failure.ts';
import { pathNormalizationOf } from './path-normalization.ts';
import { jsonText } from './render/document.ts';
import { findingText, githubFinding, shortFinding } from './render/finding.ts';
import type { Style } from './render/style.ts';
import type { Terminal } from './terminal.ts';
import { type OfflineWorld, place, readWorld } from './world.ts';

const LEVELS = ['info', 'warning', 'error'] as const satisfies readonly Level[];

/** Findings of one code that are printed in full; the rest is counted, unless --verbose. */
const SIMILAR = 5;

export const run: RunOf<typeof check> = async ({ values, positionals, terminal }) => {
  const paths = [...values.file, ...positionals];
  if (paths.length === 0) {
    throw usage('check needs something to read', {
      expected: 'files, folders or "-"',
      next: 'portolan check -f mesh/',
    });
  }
  const world = await readWorld(paths, values['trust-domain'], terminal);
  const { namespace } = values;
  const normalization = pathNormalizationOf(values['path-normalization']);
  const findings = [
    ...world.findings,
    ...place(world.resources, policyFindings(world.model, normalization)),
    ...(await bypasses(world, values['trust-domain'])),
  ]
    .filter(({ resource }) => namespace === undefined || resource?.namespace === namespace)
    .toSorted(byPlace);
  const border = values['fail-on'] === 'never' ? LEVELS.length : LEVELS.indexOf(values['fail-on'] as Level);
  const exit = findings.some(({ level }) => LEVELS.indexOf(level) >= border) ? EXIT.found : EXIT.ok;
  const total = countResources(world.resources);

  switch (values.json ? 'json' : values.output) {
    case 'json':
      terminal.out(jsonText(report(findings, total, exit === EXIT.ok)));
      break;
    case 'github':
      for (const finding of findings) terminal.out(githubFinding(finding));
      break;
    case 'short':
      for (const finding of findings) terminal.out(shortFinding(finding));
      break;
    default:
      terminal.out(text(findings, terminal));
      if (!terminal.quiet) terminal.out(summary(findings, total, exit, terminal.style.out));
  }
  return exit;
};

/** Only here, not with each translation: what ztunnel enforces is often kept elsewhere than in the files that `run` is given. */
async function bypasses({ model, resources }: OfflineWorld, trustDomain: string): Promise<readonly PlacedFinding[]> {
  const { bypassFindings } = await import('#translate/bypass.ts');
  const decided = new Set(
    model.waypoints.flatMap(({ ports }) =>
      ports.flatMap(({ service, authz }) =>
        authz.policies.length > 0 || authz.closed !== undefined ? [service.host] : [],
      ),
    ),
  );
  return place(
    resources,
    bypassFindings(resources, (host) => decided.has(host), { trustDomain }),
  );
}

function byPlace(a: PlacedFinding, b: PlacedFinding): number {
  const key = ({ place, resource }: PlacedFinding): string => place?.file ?? `~${resource?.kind}/${resource?.name}`;
  const [first, second] = [key(a), key(b)];
  if (first !== second) return first < second ? -1 : 1;
  return (a.place?.line ?? 0) - (b.place?.line ?? 0) || (a.place?.column ?? 0) - (b.place?.column ?? 0);
}

const countResources = (resources: ResourceSet): number =>
  kinds.reduce((sum, { kind }) => sum + resources.of(kind).length, resources.invalid.length);

function text(findings: readonly PlacedFinding[], terminal: Terminal): string {
  const style = terminal.style.out;
  const shown = new Map<string, number>();
  const parts: string[] = [];
  for (const finding of findings) {
    const count = (shown.get(finding.code) ?? 0) + 1;
    shown.set(finding.code, count);
    if (count <= SIMILAR || terminal.verbose) parts.push(findingText(finding, style), '\n');
  }
  if (terminal.verbose) return parts.join('');
  for (const [code, count] of shown) {
    if (count > SIMILAR)
      parts.push(style.dim(`… and ${count - SIMILAR} more ${code} (all: --verbose or -o short)`), '\n\n');
  }
  return parts.join('');
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

function counts(findings: readonly PlacedFinding[]): Readonly<Record<Level, number>> {
  const of = (level: Level): number => findings.filter((finding) => finding.level === level).length;
  return { error: of('error'), warning: of('warning'), info: of('info') };
}

function summary(findings: readonly PlacedFinding[], total: number, exit: number, style: Style): string {
  const { error, warning, info } = counts(findings);
  const found = [
    error > 0 ? style.red(plural(error, 'error')) : '',
    warning > 0 ? style.yellow(plural(warning, 'warning')) : '',
    info > 0 ? `${info} for information` : '',
  ].filter((part) => part !== '');
  const verdict = found.length === 0 ? style.green('nothing found') : found.join(', ');
  return `${plural(total, 'resource')}: ${verdict}. Exit ${exit}.\n`;
}

const CATEGORIES: readonly (readonly [prefix: string, name: string])[] = [
  ['10', 'syntax'],
  ['11', 'schema'],
  ['12', 'references'],
  ['13', 'authorization'],
  ['14', 'conflicts'],
  ['15', 'support'],
];

/** The JSON form; fields are only ever added to it. */
function report(findings: readonly PlacedFinding[], resources: number, success: boolean): object {
  const { error, warning, info } = counts(findings);
  const categoryOf = ({ code }: PlacedFinding): string =>
    CATEGORIES.find(([prefix]) => code.startsWith(`PTL${prefix}`))?.[1] ?? 'other';
  const names = new Set([...CATEGORIES.map(([, name]) => name), ...findings.map(categoryOf)]);
  const categories = [...names].map((name) => ({
    name,
    checks: findings.filter((finding) => categoryOf(finding) === name).map(checkOf),
  }));
  return {
    apiVersion: API_VERSION,
    success,
    summary: { resources, errors: error, warnings: warning, infos: info },
    categories,
  };
}

const checkOf = ({
  code,
  level,
  message,
  resource,
  place,
  path,
  expected,
  came,
  effect,
  next,
}: PlacedFinding): object => ({
  code,
  level,
  description: message,
  result: level === 'error' ? 'error' : level === 'warning' ? 'warning' : 'success',
  resource,
  file: place?.file,
  line: place?.line,
  column: place?.column,
  path,
  expected,
  came,
  effect,
  hint: next,
});
