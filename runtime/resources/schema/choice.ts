import { type Fields, object, type ObjectOf, readFields, unknownField } from './object.ts';
import { type Report, shown, wrongType } from './report.ts';
import { badChoice } from './scalar.ts';
import type { Infer, Schema } from './schema.ts';

type One<F extends Fields> = {
  [K in keyof F]: { readonly [J in K]: Infer<F[J]> } & { readonly [J in Exclude<keyof F, K>]?: never };
}[keyof F];

type None<F extends Fields> = { readonly [K in keyof F]?: never };

/** An object of which exactly one field is given: `{exact: …}` or `{prefix: …}`, as in a protobuf `oneof`. */
export function oneOf<F extends Fields>(fields: F): Schema<One<F>, 'optional'> {
  return atMostOne(fields, true) as Schema<One<F>, 'optional'>;
}

/** As `oneOf`, but none is allowed too. */
export function oneOrNone<F extends Fields>(fields: F): Schema<One<F> | None<F>, 'optional'> {
  return atMostOne(fields, false) as Schema<One<F> | None<F>, 'optional'>;
}

function atMostOne(fields: Fields, needed: boolean): Schema<unknown, 'optional'> {
  const whole = object(fields);
  const names = Object.keys(fields);
  return {
    presence: 'optional',
    read(value, report) {
      const read = whole.read(value, report) as Readonly<Record<string, unknown>> | undefined;
      if (read === undefined) return undefined;
      const given = names.filter((name) => isGiven(value, name));
      if (given.length > 1 || (needed && given.length === 0)) badCombination(report, names, given);
      return read;
    },
  };
}

/** Whether an object has a field that is not null. */
function isGiven(value: unknown, name: string): boolean {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return false;
  const field = (value as Readonly<Record<string, unknown>>)[name];
  return field !== null && field !== undefined;
}

function badCombination(report: Report, names: readonly string[], given: readonly string[]): void {
  const expected = `exactly one of: ${names.join(', ')}`;
  const came = given.length === 0 ? 'none' : given.join(' and ');
  report.add({ code: 'PTL1106', level: 'error', message: `expected ${expected}, came ${came}`, expected, came });
}

/** A value of one type or of another, told apart by JavaScript's `typeof`; such as Kubernetes' IntOrString. */
export function either<A, B>(number: Schema<A>, text: Schema<B>): Schema<A | B, 'optional'> {
  return {
    presence: 'optional',
    read: (value, report): A | B | undefined =>
      typeof value === 'number' ? number.read(value, report) : text.read(value, report),
  };
}

type VariantOf<Tag extends string, V extends Readonly<Record<string, Fields>>> = {
  [K in keyof V]: { readonly [T in Tag]: K } & ObjectOf<V[K]>;
}[keyof V];

/**
 * An object whose field `tag` says which other fields it has, read to a tagged union. A field of another variant is an
 * error that names both.
 */
export function variants<Tag extends string, V extends Readonly<Record<string, Fields>>>(
  tag: Tag,
  table: V,
): Schema<VariantOf<Tag, V>, 'optional'> {
  const fieldsOf = new Map(Object.entries(table).map(([name, fields]) => [name, new Map(Object.entries(fields))]));
  const everyField = new Map([...fieldsOf.values()].flatMap((fields) => [...fields]));
  const tagged = new Map<string, Schema<unknown>>([[tag, NOTHING_READ], ...everyField]);
  return {
    presence: 'optional',
    read(value, report) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return wrongType(report, 'an object', value);
      }
      const given = value as Readonly<Record<string, unknown>>;
      const variant = readTag(given, tag, [...fieldsOf.keys()], report);
      const fields = variant === undefined ? undefined : fieldsOf.get(variant);
      for (const name of Object.keys(given)) {
        if (!tagged.has(name)) unknownField(report, name, tagged);
        else if (name !== tag && fields !== undefined && !fields.has(name) && isGiven(given, name)) {
          foreignField(report, name, tag, given[tag]);
        }
      }
      if (fields === undefined) return undefined;
      return { [tag]: variant, ...readFields(fields, given, report) } as VariantOf<Tag, V>;
    },
  };
}

const NOTHING_READ: Schema<unknown> = { presence: 'never', read: () => undefined };

function readTag(
  given: Readonly<Record<string, unknown>>,
  tag: string,
  names: readonly string[],
  report: Report,
): string | undefined {
  if (!isGiven(given, tag)) {
    const expected = `one of: ${names.join(', ')}`;
    report.add({ code: 'PTL1105', level: 'error', message: `field "${tag}" is required`, expected }, tag);
    return undefined;
  }
  const value = given[tag];
  report.enter(tag);
  const known = typeof value === 'string' && names.includes(value);
  if (typeof value !== 'string') wrongType(report, 'a string', value);
  else if (!known) badChoice(report, names, value);
  report.leave();
  return known ? value : undefined;
}

function foreignField(report: Report, name: string, tag: string, variant: unknown): void {
  const message = `field "${name}" does not go with ${tag} ${shown(variant)}`;
  report.add({ code: 'PTL1106', level: 'error', message, next: `remove ${name}, or change ${tag}` }, name);
}
