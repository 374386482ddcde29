import { stringify } from 'yaml';

/** Kept although empty, because emptiness says something: no rules is "matches nothing", no endpoints is 503. */
const telling = new Set(['rules', 'policies', 'endpoints', 'routes', 'waypoints', 'ingresses', 'findings', 'statuses']);

/** YAML for a reviewer: the same text for the same value, without the empty parts that say nothing. */
export function present(value: unknown): string {
  return stringify(pruned(value), { aliasDuplicateObjects: false, lineWidth: 0 });
}

function pruned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => pruned(item) ?? {});
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(
    ([key, member]) => [key, telling.has(key) ? (pruned(member) ?? []) : pruned(member)] as const,
  );
  const left = members.filter(([key, member]) => member !== undefined && (telling.has(key) || !isEmpty(member)));
  return left.length === 0 ? undefined : Object.fromEntries(left);
}

const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
