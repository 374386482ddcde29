import { badValue, wrongType } from './report.ts';
import type { Schema } from './schema.ts';

const NOTHING: readonly never[] = Object.freeze([]);
const NO_ENTRIES: Readonly<Record<string, never>> = Object.freeze(Object.create(null) as Record<string, never>);

export interface ListRules {
  readonly min?: number;
  readonly max?: number;
}

/** A list; an absent one is empty. `min` is asked of lists that are written, so an absent one needs `required`. */
export function list<T>(item: Schema<T>, rules: ListRules = {}): Schema<readonly T[], 'always'> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = rules;
  return {
    presence: 'always',
    absent: NOTHING,
    read(value, report) {
      if (!Array.isArray(value)) return wrongType(report, 'a list', value);
      if (value.length < min) return badValue(report, `a list of at least ${min}`, value);
      if (value.length > max) return badValue(report, `a list of at most ${max}`, `a list of ${value.length}`);
      const items: T[] = [];
      for (let i = 0; i < value.length; i++) {
        report.enter(i);
        const each: unknown = value[i];
        const read = each === null ? wrongType(report, 'a value', each) : item.read(each, report);
        if (read !== undefined) items.push(read);
        report.leave();
      }
      return items;
    },
  };
}

/** Entries by key, on an object without a prototype, so that `constructor` is a key like any other. Absent: empty. */
export function map<T>(
  entry: Schema<T>,
  rules: { readonly max?: number; readonly key?: readonly [name: string, test: (key: string) => boolean] } = {},
): Schema<Readonly<Record<string, T>>, 'always'> {
  const { max = Number.MAX_SAFE_INTEGER, key: format } = rules;
  return {
    presence: 'always',
    absent: NO_ENTRIES,
    read(value, report) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return wrongType(report, 'an object', value);
      }
      const keys = Object.keys(value);
      if (keys.length > max) return badValue(report, `at most ${max} entries`, `${keys.length} entries`);
      const entries = Object.create(null) as Record<string, T>;
      for (const key of keys) {
        report.enter(`[${key}]`);
        const each = (value as Record<string, unknown>)[key];
        if (format !== undefined && !format[1](key)) badValue(report, format[0], key);
        const read = each === null ? wrongType(report, 'a value', each) : entry.read(each, report);
        if (read !== undefined) entries[key] = read;
        report.leave();
      }
      return entries;
    },
  };
}
