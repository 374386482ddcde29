import { nearest } from './nearest.ts';
import { type Report, wrongType } from './report.ts';
import type { Infer, Presence, Schema } from './schema.ts';

export type Fields = Readonly<Record<string, Schema<unknown>>>;

type With<F extends Fields, P extends Presence> = {
  [K in keyof F]: F[K] extends { readonly presence: P } ? K : never;
}[keyof F];

type Flat<T> = { readonly [K in keyof T]: T[K] };

/** The object that fields read to: what is `always` there, what is `optional`, and nothing else. */
export type ObjectOf<F extends Fields> = Flat<
  { readonly [K in With<F, 'always'>]: Infer<F[K]> } & { readonly [K in With<F, 'optional'>]?: Infer<F[K]> }
>;

export interface ObjectRules {
  /**
   * The object is written by a cluster rather than by hand and has more fields than are listed: others pass, and only
   * what looks like a misspelling of a listed one is reported.
   */
  readonly open?: boolean;
}

/** An object with known fields. A field that is null is absent, as the API server has it. */
export function object<F extends Fields>(fields: F, rules: ObjectRules = {}): Schema<ObjectOf<F>, 'optional'> {
  const known: ReadonlyMap<string, Schema<unknown>> = new Map(Object.entries(fields));
  return {
    presence: 'optional',
    read(value, report) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return wrongType(report, 'an object', value);
      }
      const given = value as Readonly<Record<string, unknown>>;
      for (const name of Object.keys(given)) {
        if (!known.has(name)) unknownField(report, name, known, rules.open === true);
      }
      return readFields(known, given, report) as ObjectOf<F>;
    },
  };
}

/** Reads each known field; the result has them in the order of the schema. */
export function readFields(
  known: ReadonlyMap<string, Schema<unknown>>,
  given: Readonly<Record<string, unknown>>,
  report: Report,
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, schema] of known) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined || value === null) {
      if (schema.presence !== 'always') continue;
      if (schema.absent === undefined) missingField(report, name);
      else result[name] = schema.absent;
      continue;
    }
    report.enter(name);
    const read = schema.read(value, report);
    report.leave();
    if (read !== undefined) result[name] = read;
  }
  return result;
}

function missingField(report: Report, name: string): void {
  report.add({ code: 'PTL1105', level: 'error', message: `field "${name}" is required`, next: `add ${name}` }, name);
}

/** Reports a field that the API does not have. */
export function unknownField(
  report: Report,
  name: string,
  known: ReadonlyMap<string, Schema<unknown>>,
  open = false,
): void {
  const near = nearest(name, known.keys());
  if (open && near === undefined) return;
  report.add(
    {
      code: 'PTL1101',
      level: open ? 'warning' : 'error',
      message: `unknown field "${name}"`,
      expected: near === undefined ? `one of: ${[...known.keys()].join(', ')}` : near,
      came: name,
      next: near === undefined ? `remove ${name}` : `did you mean ${near}?`,
    },
    /^[A-Za-z_]\w*$/.test(name) ? name : `[${name}]`,
  );
}
