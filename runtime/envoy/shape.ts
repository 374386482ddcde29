import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import { hole, template, type Template } from './template.ts';

/**
 * Encodes messages whose shape is not known beforehand: two with the same structure, numbers and oneof cases differ in
 * texts alone and so share a template. Routes come in few shapes and great numbers.
 */
export function shaped<S extends DescMessage>(schema: S): (init: MessageInitShape<S>) => Uint8Array {
  const templates = new Map<string, Template>();
  return (init) => {
    const texts: string[] = [];
    const shape = describe(init, texts);
    let make = templates.get(shape);
    if (make === undefined)
      templates.set(shape, (make = template(schema, withHoles(init, { next: 0 }) as typeof init)));
    return make(...texts);
  };
}

/** The structure of a plain init object, its texts put aside in the order in which `withHoles` numbers them. */
function describe(value: unknown, texts: string[]): string {
  if (typeof value === 'string') {
    texts.push(value);
    return '$';
  }
  if (Array.isArray(value)) return `[${value.map((item) => describe(item, texts)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    let shape = '{';
    for (const [key, item] of Object.entries(value)) {
      shape += `${key}:${isCase(key, value) ? String(item) : describe(item, texts)};`;
    }
    return `${shape}}`;
  }
  return String(value);
}

function withHoles(value: unknown, counter: { next: number }): unknown {
  if (typeof value === 'string') return hole(counter.next++);
  if (Array.isArray(value)) return value.map((item) => withHoles(item, counter));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, isCase(key, value) ? item : withHoles(item, counter)]),
    );
  }
  return value;
}

/** The name of a oneof's member is structure, not text. */
const isCase = (key: string, owner: object): boolean => key === 'case' && 'value' in owner;
