import type { Finding } from '#model/finding.ts';

/** A finding before it is known whose it is. */
export type Problem = Omit<Finding, 'resource'>;

/** Beyond this many problems a document is not worth reading on; the rest is counted. */
const MAX_PROBLEMS = 100;

/**
 * Where a reader stands, and what it found so far. A path is text only once a problem needs it.
 * A segment is a field (`spec`), an index (`0`), or a key of a map with its brackets (`[app]`).
 */
export class Report {
  readonly problems: Problem[] = [];
  /** Problems of level error, told or not. */
  errors = 0;
  /** Problems beyond the limit. */
  suppressed = 0;
  /** Valid in the API, but asks for what must not be left out and is not supported. */
  refused = false;
  readonly #path: (string | number)[] = [];

  enter(segment: string | number): void {
    this.#path.push(segment);
  }

  leave(): void {
    this.#path.pop();
  }

  /** Adds a problem at the present place, or at a field below it. */
  add(problem: Omit<Problem, 'path'>, below = ''): void {
    if (problem.level === 'error') this.errors++;
    if (this.problems.length >= MAX_PROBLEMS) {
      this.suppressed++;
      return;
    }
    this.problems.push({ ...problem, path: joinPath(this.path(), below) });
  }

  /** The present place as kubectl writes it. */
  path(): string {
    let text = '';
    for (const segment of this.#path) {
      if (typeof segment === 'number') text += `[${segment}]`;
      else text = joinPath(text, segment);
    }
    return text;
  }
}

/** `spec` and `hosts[0]` to `spec.hosts[0]`; either may be empty. */
export function joinPath(parent: string, child: string): string {
  return parent === '' || child === '' || child.startsWith('[') ? parent + child : `${parent}.${child}`;
}

/** A value as a message shows it: JSON on one line, cut where it gets long. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number') return String(value);
  let text: string;
  try {
    text = JSON.stringify(value) ?? typeof value;
  } catch {
    text = typeof value;
  }
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** What a value is, with its article: `a string`, `a list`. */
function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  const type = typeof value;
  return type === 'object' ? 'an object' : type === 'undefined' ? 'nothing' : `a ${type}`;
}

/** Reports a value of the wrong type. */
export function wrongType(report: Report, expected: string, value: unknown): undefined {
  const scalar = typeof value === 'number' || typeof value === 'boolean';
  report.add({
    code: 'PTL1103',
    level: 'error',
    message: `expected ${expected}, came ${kindOf(value)}`,
    expected,
    came: shown(value),
    ...(expected === 'a string' && scalar ? { next: 'put quotes around the value' } : {}),
  });
  return undefined;
}

/** Reports a value of the right type that is not allowed. */
export function badValue(report: Report, expected: string, value: unknown, next?: string): undefined {
  report.add({
    code: 'PTL1104',
    level: 'error',
    message: `${shown(value)} is not ${expected}`,
    expected,
    came: shown(value),
    ...(next === undefined ? {} : { next }),
  });
  return undefined;
}
