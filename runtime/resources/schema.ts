// A small schema language: what a resource may say, which of it is honoured, and where each mistake is.
// Used as a namespace: `import * as s from './schema.ts'`.

export type { Infer } from './schema/schema.ts';
export { check, ignored, optional, required, transform, unsupported, withDefault } from './schema/schema.ts';
export { Report, shown } from './schema/report.ts';
export { anything, boolean, enumeration, integer, number, string } from './schema/scalar.ts';
export { list, map } from './schema/collection.ts';
export { object } from './schema/object.ts';
export { either, oneOf, oneOrNone, variants } from './schema/choice.ts';
