import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';
import type { Slab } from './slab.ts';
import { hole, template, type Template, write } from './template.ts';

/**
 * Writes messages whose shape is not known beforehand: two with the same structure, numbers and oneof cases differ in
 * texts alone and so share a template.
 */
export function shaped<S extends DescMessage>(schema: S): (slab: Slab, init: MessageInitShape<S>) => void {
  const templates = new Map<string, Template>();
  return (slab, init) => {
    const texts: string[] = [];
    const shape = describe(init, texts);
    let known = templates.get(shape);
    if (known === undefined)
      templates.set(shape, (known = template(schema, withHoles(init, { next: 0 }) as typeof init)));
    write(slab, known, texts);
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
