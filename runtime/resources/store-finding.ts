import type { Finding } from '#model/finding.ts';
import type { Item } from './item.ts';
import type { Problem } from './schema/report.ts';
import type { KeyedItem } from './claims.ts';
import type { ParsedDocument } from './document.ts';
import type { YamlError } from './yaml-tree.ts';

/** Findings of an item. `kept`: it is invalid, and an earlier version serves on. */
export function itemFindings(item: Item, kept: boolean): readonly Finding[] {
  const resource = item.state === 'unread' ? {} : { resource: item.ref };
  const effect = effectOf(item, kept);
  return item.problems.map((problem) => ({ ...problem, ...resource, ...withEffect(problem, effect) }));
}

function withEffect(problem: Problem, effect: string | undefined): { readonly effect?: string } {
  const needed = problem.level === 'error' && problem.effect === undefined && effect !== undefined;
  return needed ? { effect } : {};
}

/** What is not understood must not let more through. */
const effects: Readonly<Record<string, string>> = {
  AuthorizationPolicy: 'its targets deny every request until it is mended',
  RequestAuthentication: 'no token is accepted at its targets until it is mended',
};

function effectOf(item: Item, kept: boolean): string | undefined {
  if (kept) return 'the version read before keeps serving';
  if (item.state === 'unread') return 'it is not used';
  if (item.state !== 'invalid') return undefined;
  return effects[item.ref.kind] ?? 'it is not used until it is mended';
}

/** What a document that cannot be read seems to be about. */
export function subjectOf({ items }: ParsedDocument): KeyedItem | undefined {
  return items.find((item): item is KeyedItem => 'key' in item);
}

/** One finding for each error of a document that is not YAML, or not within the limits. */
export function brokenFindings(document: ParsedDocument, kept: boolean): readonly Finding[] {
  const item = subjectOf(document);
  return document.errors.map((error) => brokenFinding(error, item, kept));
}

function brokenFinding(error: YamlError, item: KeyedItem | undefined, kept: boolean): Finding {
  return {
    code: { syntax: 'PTL1001', duplicate: 'PTL1002', limit: 'PTL1003' }[error.kind],
    level: 'error',
    ...(item === undefined ? {} : { resource: item.ref }),
    path: '',
    message: `this document cannot be read: ${error.message}`,
    effect: (item && effectOf(item, kept)) ?? 'nothing of this document is used',
  };
}

/** What a file with a broken document held before, and does not show now. */
export function keptFinding(keys: readonly string[]): Finding {
  return {
    code: 'PTL1006',
    level: 'warning',
    path: '',
    message: `while this document cannot be read, ${joined(keys)} of its file keep serving`,
    next: 'mend the document; then what is not in the file is removed',
  };
}

/** A file or folder that is there and cannot be read. */
export function unreadableFinding(path: string, reason: string): Finding {
  const message = `${path} cannot be read: ${reason}`;
  return { code: 'PTL1004', level: 'error', path: '', message, effect: 'what it held before keeps serving' };
}

/** Two documents for one resource. */
export function duplicateFinding(item: KeyedItem, file: string, first: string): Finding {
  const { kind, namespace, name } = item.ref;
  return {
    code: 'PTL1490',
    level: 'error',
    resource: item.ref,
    path: '',
    message: `${kind} ${namespace === '' ? name : `${namespace}/${name}`} is given twice`,
    came: `again in ${file}, first in ${first}`,
    effect: 'the first counts',
    next: 'remove one, or rename it',
  };
}

/** One finding for all resources of kinds that are no concern of a waypoint, given with their number. */
export function otherKindsFinding(counts: ReadonlyMap<string, number>): Finding {
  const list = [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, count]) => (count === 1 ? kind : `${kind} (${count})`));
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const what = total === 1 ? '1 resource of a kind' : `${total} resources of kinds`;
  return { code: 'PTL1507', level: 'info', path: '', message: `${what} that a waypoint does not use: ${joined(list)}` };
}

const joined = (texts: readonly string[]): string =>
  texts.length > 8 ? `${texts.slice(0, 8).join(', ')} and ${texts.length - 8} more` : texts.join(', ');
