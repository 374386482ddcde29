import { badValue, type Report, wrongType } from './report.ts';
import type { Schema } from './schema.ts';

export interface StringRules {
  readonly min?: number;
  readonly max?: number;
  /** What the text must be, and how a message calls that: `['a DNS label', isDnsLabel]`. */
  readonly format?: readonly [name: string, test: (text: string) => boolean];
}

/** Text. Half a surrogate pair is refused, because no other reader of the resource could say what it means. */
export function string(rules: StringRules = {}): Schema<string, 'optional'> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER, format } = rules;
  return {
    presence: 'optional',
    read(value, report) {
      if (typeof value !== 'string') return wrongType(report, 'a string', value);
      if (value.length < min) {
        return badValue(report, min === 1 ? 'a text that is not empty' : `at least ${min} characters`, value);
      }
      if (value.length > max) return badValue(report, `at most ${max} characters`, value);
      if (/\p{Surrogate}/u.test(value)) return badValue(report, 'well-formed Unicode', value);
      if (format !== undefined && !format[1](value)) return badValue(report, format[0], value);
      return value;
    },
  };
}

/** One of the given texts; misses get the nearest as a hint. */
export function enumeration<const T extends string>(...values: readonly T[]): Schema<T, 'optional'> {
  const known: ReadonlySet<string> = new Set(values);
  return {
    presence: 'optional',
    read(value, report) {
      if (typeof value !== 'string') return wrongType(report, 'a string', value);
      if (!known.has(value)) return badChoice(report, values, value);
      return value as T;
    },
  };
}

/** Reports a text that is none of the known ones. */
export function badChoice(report: Report, values: readonly string[], value: string): undefined {
  const near = values.find((each) => each.toLowerCase() === value.toLowerCase());
  return badValue(report, `one of: ${values.join(', ')}`, value, near === undefined ? undefined : `write ${near}`);
}

/** A whole number from `min` to `max`, both included. */
export function integer(min: number, max: number): Schema<number, 'optional'> {
  return {
    presence: 'optional',
    read(value, report) {
      if (typeof value !== 'number') return wrongType(report, 'an integer', value);
      if (!Number.isInteger(value) || value < min || value > max) {
        return badValue(report, `an integer from ${min} to ${max}`, value);
      }
      return value;
    },
  };
}

/** Any number from `min` to `max`, both included. */
export function number(min: number, max: number): Schema<number, 'optional'> {
  return {
    presence: 'optional',
    read(value, report) {
      if (typeof value !== 'number') return wrongType(report, 'a number', value);
      if (!(value >= min && value <= max)) return badValue(report, `a number from ${min} to ${max}`, value);
      return value;
    },
  };
}

export function boolean(): Schema<boolean, 'optional'> {
  return {
    presence: 'optional',
    read: (value, report) => (typeof value === 'boolean' ? value : wrongType(report, 'true or false', value)),
  };
}

/** Whatever was written, for parts that are known by name alone. */
export function anything(): Schema<unknown, 'optional'> {
  return { presence: 'optional', read: (value) => value };
}
