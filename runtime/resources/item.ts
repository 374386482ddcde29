import type { ResourceRef } from '#model/finding.ts';
import { type AnyResource, kinds } from './kinds.ts';
import type { KindDefinition } from './kind.ts';
import { readMetadata } from './metadata.ts';
import { nearest } from './schema/nearest.ts';
import { otherKind } from './other-kind.ts';
import { type Problem, Report, shown } from './schema/report.ts';

/**
 * What one resource of a document was read to. `at` is its path in the document, empty but for items of a List.
 * - valid: a resource of a kind that we read
 * - invalid: it names itself, but the API would refuse it; the version before may serve on
 * - refused: the API takes it and we must not use it, because it asks for what cannot be left out
 * - unread: it does not even name itself
 * - other: of a kind that we do not read
 */
export type Item = { readonly at: string; readonly problems: readonly Problem[] } & (
  | { readonly state: 'valid'; readonly ref: ResourceRef; readonly key: string; readonly resource: AnyResource }
  | { readonly state: 'invalid' | 'refused'; readonly ref: ResourceRef; readonly key: string; readonly raw: unknown }
  | { readonly state: 'unread' }
  | { readonly state: 'other'; readonly kind: string; readonly ref: ResourceRef }
);

type Raw = Readonly<Record<string, unknown>>;

const isRaw = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value);

/** One text for one resource; unique, because no part of it may have a space or a slash. */
export const keyOf = (kind: string, namespace: string, name: string): string => `${kind} ${namespace}/${name}`;

/**
 * Reads the resources of a document: one, those of a List, or none where there is nothing but comments.
 * `broken` says that the text has errors, so that whatever was read may be wrong.
 */
export function readItems(value: unknown, broken: boolean): readonly Item[] {
  if (value === undefined || value === null) return [];
  if (!isRaw(value)) return broken ? [] : [unread('', 'PTL1005', `a resource is an object, came ${shown(value)}`)];
  if (isList(value)) {
    return value['items'].map((each: unknown, index) => {
      const at = `items[${index}]`;
      return isRaw(each)
        ? readItem(each, at, broken)
        : unread(at, 'PTL1005', `a resource is an object, came ${shown(each)}`);
    });
  }
  return [readItem(value, '', broken)];
}

function isList(value: Raw): value is Raw & { readonly items: readonly unknown[] } {
  const { kind, items } = value as { kind?: unknown; items?: unknown };
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items);
}

function unread(at: string, code: string, message: string, below = '', next?: string): Item {
  const problem: Problem = { code, level: 'error', path: below, message, ...(next === undefined ? {} : { next }) };
  return { at, state: 'unread', problems: [problem] };
}

function readItem(raw: Raw, at: string, broken: boolean): Item {
  const report = new Report();
  const { kind } = raw;
  if (typeof kind !== 'string' || kind === '') {
    const near = nearestField(raw, 'kind');
    return unread(
      at,
      'PTL1108',
      'this is not a Kubernetes resource: it has no kind',
      near ?? '',
      'add apiVersion and kind',
    );
  }
  const definition = definitionOf(raw['apiVersion'], kind, report);
  if (definition === undefined) return { at, ...other(raw, kind, report) };
  const ref = refOf(raw, definition);
  if (ref === undefined) {
    readMetadata(raw['metadata'] ?? {}, definition.name, definition.namespaced, report);
    return { at, state: 'unread', problems: report.problems };
  }
  if (definition.only !== undefined && definition.only !== ref.name)
    return { at, state: 'other', kind, ref, problems: [] };
  const key = keyOf(ref.kind, ref.namespace, ref.name);
  const resource = readResource(raw, definition, report);
  // What a broken document seems to lack may only be what could not be read.
  const problems = broken ? [] : withSuppressed(report);
  if (broken || resource === undefined || problems.some(isInvalid)) {
    return { at, state: 'invalid', ref, key, raw, problems };
  }
  if (report.refused) return { at, state: 'refused', ref, key, raw, problems };
  return { at, state: 'valid', ref, key, resource, problems };
}

/** Codes of 15xx are about what we do not support, not about what the API would refuse. */
const isInvalid = ({ code, level }: Problem): boolean => level === 'error' && !code.startsWith('PTL15');

function withSuppressed(report: Report): readonly Problem[] {
  const { problems, suppressed } = report;
  if (suppressed === 0) return problems;
  const message = `${suppressed} more problems in this resource`;
  return [...problems, { code: 'PTL1110', level: 'error', path: '', message, next: 'mend those above first' }];
}

const byGroupAndKind: ReadonlyMap<string, KindDefinition> = new Map(
  kinds.map((definition) => [`${definition.group}/${definition.kind}`, definition]),
);

/** Kinds of whose name there is only one among what a waypoint reads: an apiVersion can be guessed. */
const byKind: ReadonlyMap<string, KindDefinition> = new Map(kinds.map((definition) => [definition.kind, definition]));

function definitionOf(apiVersion: unknown, kind: string, report: Report): KindDefinition | undefined {
  if (typeof apiVersion !== 'string' || apiVersion === '') {
    const guessed = byKind.get(kind);
    if (guessed !== undefined) missingVersion(guessed, report);
    return guessed;
  }
  const slash = apiVersion.indexOf('/');
  const group = apiVersion.slice(0, Math.max(0, slash));
  const version = apiVersion.slice(slash + 1);
  const definition = byGroupAndKind.get(`${group}/${kind}`) ?? misspelt(group, kind, report);
  if (definition === undefined || definition.versions.includes(version)) return definition;
  const expected = definition.versions.map((each) => apiVersionOf(definition, each)).join(', ');
  const message = `${kind} has no version "${apiVersion}" that we read`;
  report.add(
    { code: 'PTL1108', level: 'error', message, expected: `one of: ${expected}`, came: apiVersion },
    'apiVersion',
  );
  return definition;
}

const apiVersionOf = ({ group }: KindDefinition, version: string): string =>
  group === '' ? version : `${group}/${version}`;

const groupText = (group: string): string => (group === '' ? 'the core group' : group);

function missingVersion(definition: KindDefinition, report: Report): void {
  const expected = apiVersionOf(definition, definition.versions[0] ?? '');
  report.add(
    {
      code: 'PTL1102',
      level: 'warning',
      message: `${definition.kind} has no apiVersion`,
      expected,
      came: 'none',
      effect: `it is read as ${expected}; a cluster would refuse it`,
      next: `add apiVersion: ${expected}`,
    },
    'apiVersion',
  );
}

/** A kind that its group does not have, and that is nearly one of ours: not to be taken for somebody else's. */
function misspelt(group: string, kind: string, report: Report): KindDefinition | undefined {
  if (otherKind(group, kind) !== 'unknown') return undefined;
  const near = nearest(
    kind,
    kinds.filter((each) => each.group === group).map((each) => each.kind),
  );
  const definition = near === undefined ? undefined : byKind.get(near);
  if (definition !== undefined) {
    const message = `there is no kind "${kind}" in ${groupText(group)}`;
    report.add({ code: 'PTL1108', level: 'error', message, came: kind, next: `did you mean ${near}?` }, 'kind');
  }
  return definition;
}

function nearestField(raw: Raw, field: string): string | undefined {
  return Object.keys(raw).find((name) => nearest(name, [field]) !== undefined);
}

/** Who a resource says it is; undefined when it gives no usable name. */
function refOf(raw: Raw, { kind, namespaced }: KindDefinition): ResourceRef | undefined {
  const { metadata } = raw;
  if (!isRaw(metadata) || !Object.hasOwn(metadata, 'name')) return undefined;
  const { name, namespace } = metadata;
  if (typeof name !== 'string' || name === '' || /[\s/]/.test(name)) return undefined;
  const given = Object.hasOwn(metadata, 'namespace') && typeof namespace === 'string' ? namespace : '';
  return { kind, namespace: namespaced ? given || 'default' : '', name };
}

function readResource(raw: Raw, definition: KindDefinition, report: Report): AnyResource | undefined {
  const { kind, namespaced, name, body, bodyIsSpec } = definition;
  const { apiVersion = apiVersionOf(definition, definition.versions[0] ?? ''), metadata: given, ...rest } = raw;
  const metadata = readMetadata(given ?? {}, name, namespaced, report);
  const { kind: _, ...fields } = rest;
  const read = body.read(fields, report);
  if (metadata === undefined || read === undefined) return undefined;
  const head = { apiVersion, kind, metadata };
  return (bodyIsSpec === true ? { ...head, spec: read } : { ...head, ...read }) as AnyResource;
}

function other(raw: Raw, kind: string, report: Report) {
  const { metadata, apiVersion } = raw;
  const { name, namespace } = (isRaw(metadata) ? metadata : {}) as { name?: unknown; namespace?: unknown };
  const ref: ResourceRef = {
    kind,
    namespace: typeof namespace === 'string' ? namespace : '',
    name: typeof name === 'string' ? name : '',
  };
  const group = typeof apiVersion === 'string' && apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  const known = otherKind(group, kind);
  if (typeof known === 'object') {
    report.add({ code: 'PTL1502', message: `${kind} is not supported by this version`, ...known }, 'kind');
  } else if (known === 'unknown') {
    const message = `there is no kind "${kind}" in ${groupText(group)}`;
    report.add({ code: 'PTL1108', level: 'error', message, came: kind, effect: 'it is not used' }, 'kind');
  }
  return { state: 'other' as const, kind, ref, problems: report.problems };
}
