import { PATH_NORMALIZATIONS } from '#model/path-normalization.ts';
import type { Flag } from '../command.ts';

/** Flags that several verbs share; the same letter never means two things. */

export const common = {
  help: { type: 'boolean', short: 'h', about: 'show help of this command', group: 'common' },
  quiet: { type: 'boolean', short: 'q', about: 'say nothing but data and errors', group: 'common' },
  verbose: { type: 'boolean', short: 'v', about: 'say more; a bug shows its stack', group: 'common' },
  'no-color': { type: 'boolean', about: 'no colours, as NO_COLOR does', group: 'common' },
} as const satisfies Record<string, Flag>;

export const files = {
  type: 'string',
  short: 'f',
  multiple: true,
  value: 'PATH',
  about: 'file, folder or "-" (standard input) with resources; may be repeated',
} as const satisfies Flag;

export const namespace = {
  type: 'string',
  short: 'n',
  value: 'NAMESPACE',
  about: 'namespace of short names, or the only one to show',
} as const satisfies Flag;

export const state = {
  type: 'string',
  value: 'FOLDER',
  about: 'state folder of the running portolan (default: PORTOLAN_STATE, or one for this user)',
} as const satisfies Flag;

export const as = {
  type: 'string',
  value: 'IDENTITY',
  about: 'who calls: bookinfo/productpage, ns/bookinfo/sa/productpage or spiffe://…',
} as const satisfies Flag;

export const pathNormalization = <const A extends string>(about: A) =>
  ({ type: 'string', value: 'MODE', choices: PATH_NORMALIZATIONS, about }) as const satisfies Flag;

export const json = { type: 'boolean', about: 'print as JSON', group: 'output' } as const satisfies Flag;

export const output = <const C extends readonly string[]>(choices: C) =>
  ({
    type: 'string',
    short: 'o',
    value: choices.join('|'),
    choices,
    default: choices[0] as C[0],
    about: 'form of the output',
    group: 'output',
  }) as const satisfies Flag;
