import type { Report } from './report.ts';

/**
 * Whether a field is in the value that was read: `always` (required, or with a default), `optional`,
 * or `never` (not honoured, so no stage can use it by mistake).
 */
export type Presence = 'always' | 'optional' | 'never';

/** Reads one value of a resource. Readers never throw; what is wrong goes to the report. */
export interface Schema<out T, out P extends Presence = Presence> {
  readonly presence: P;
  /** What an absent field becomes. A schema that is `always` present and has none is required. */
  readonly absent?: T;
  /** The value as the type says, or undefined when it is not valid, or not kept. Never given null or undefined. */
  read(value: unknown, report: Report): T | undefined;
}

/** The TypeScript type of what a schema reads. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

/** The field must be given. */
export function required<T>(schema: Schema<T>): Schema<T, 'always'> {
  return { presence: 'always', read: (value, report) => schema.read(value, report) };
}

/** The field may be absent, and absence is kept apart from an empty value. */
export function optional<T>(schema: Schema<T>): Schema<T, 'optional'> {
  return { presence: 'optional', read: (value, report) => schema.read(value, report) };
}

/** The field is always there: absent, it has this value. */
export function withDefault<T>(schema: Schema<T>, absent: NoInfer<T>): Schema<T, 'always'> {
  return { presence: 'always', absent, read: (value, report) => schema.read(value, report) };
}

/** A further demand on a value in which nothing was wrong so far; `test` reports what it finds. */
export function check<T, P extends Presence>(
  schema: Schema<T, P>,
  test: (value: T, report: Report) => void,
): Schema<T, P> {
  return {
    ...schema,
    read(value, report) {
      const before = report.errors;
      const read = schema.read(value, report);
      if (read !== undefined && report.errors === before) test(read, report);
      return read;
    },
  };
}

/** Reads into another form; `undefined` from `change` means that it reported a problem. */
export function transform<T, U>(
  schema: Schema<T>,
  change: (value: T, report: Report) => U | undefined,
): Schema<U, 'optional'> {
  return {
    presence: 'optional',
    read(value, report) {
      const read = schema.read(value, report);
      return read === undefined ? undefined : change(read, report);
    },
  };
}

/** A field without meaning to a waypoint, such as `status`: anything goes, nothing is said. */
export function ignored(): Schema<never, 'never'> {
  return { presence: 'never', read: () => undefined };
}

export interface Unsupported {
  /** `error` where leaving the field out would let more through. */
  readonly level?: 'warning' | 'error';
  /** Without the field the rest must not be used either: the resource counts as not understood. */
  readonly refuses?: boolean;
  /** What traffic does without it. */
  readonly effect?: string;
}

/**
 * A field that the API has and this version does not honour. Its value is checked, and never kept.
 * Empty and false values ask for nothing and are let pass.
 */
export function unsupported(schema: Schema<unknown>, note: string, options: Unsupported = {}): Schema<never, 'never'> {
  const level = options.level ?? 'warning';
  const effect = options.effect ?? (options.refuses === true ? 'the resource is not used' : 'the field is left out');
  return {
    presence: 'never',
    read(value, report) {
      schema.read(value, report);
      if (!asksNothing(value)) {
        report.add({ code: 'PTL1501', level, message: `${note} is not supported by this version`, effect });
        if (options.refuses === true) report.refused = true;
      }
      return undefined;
    },
  };
}

function asksNothing(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === false || value === '';
}
