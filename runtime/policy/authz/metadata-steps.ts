import {
  ATTRIBUTE_METADATA,
  ATTRIBUTE_METADATA_LIST,
  ATTRIBUTE_METADATA_TEXT,
  ATTRIBUTE_NEXT,
  ATTRIBUTE_REQUEST_PRINCIPAL,
  ATTRIBUTE_SIZE,
  AUTHZ_STEPS,
  AUTHZ_STEP_COUNT,
  STEP_ATTRIBUTE,
  STEP_KEYS,
  STEP_KEYS_SIZE,
  STEP_PART,
  STEP_PART_ISSUER,
  STEP_PART_SUBJECT,
  STEP_SIZE,
} from '#abi/authz.ts';
import type { ProgramWriter } from '../writer.ts';
import { binary } from './atom.ts';
import type { Attribute } from './attribute.ts';
import { TrieKeys, writeTrie } from './byte-trie.ts';
import { claimPath } from './token.ts';

/** A place in metadata on the way to something that is asked for; numbers are plus one, 0 for none. */
interface Step {
  attribute: number;
  part: number;
  readonly next: Map<string, Step>;
}

const newStep = (): Step => ({ attribute: 0, part: 0, next: new Map() });

/** The step that this path leads to. */
function stepTo(root: Step, path: readonly string[]): Step {
  let step = root;
  for (const key of path) {
    const next = step.next.get(key) ?? newStep();
    step.next.set(key, next);
    step = next;
  }
  return step;
}

const KINDS: readonly number[] = [ATTRIBUTE_METADATA, ATTRIBUTE_METADATA_TEXT, ATTRIBUTE_METADATA_LIST];

/** The attribute is about a place in metadata. */
export const isMetadata = ({ kind }: Attribute): boolean => KINDS.includes(kind);

/** Writes the tree of places that these attributes are about, whose records lie from `records` on. */
export function writeSteps(writer: ProgramWriter, attributes: readonly Attribute[], records: number): void {
  const root = newStep();
  for (const [number, attribute] of [...attributes.entries()].reverse()) {
    if (attribute.kind === ATTRIBUTE_REQUEST_PRINCIPAL) {
      stepTo(root, claimPath(['iss'])).part = STEP_PART_ISSUER;
      stepTo(root, claimPath(['sub'])).part = STEP_PART_SUBJECT;
    }
    if (!isMetadata(attribute)) continue;
    const place = stepTo(root, JSON.parse(attribute.name) as readonly string[]);
    writer.setU32(records + ATTRIBUTE_SIZE * number + ATTRIBUTE_NEXT, place.attribute);
    place.attribute = number + 1;
  }
  if (root.next.size === 0) return;
  // Breadth first: every step comes after the one that leads to it.
  const steps = [root];
  const numbers = new Map<Step, number>();
  for (const step of steps) {
    for (const next of step.next.values()) numbers.set(next, steps.push(next));
  }
  const at = writer.reserve(STEP_SIZE * steps.length);
  writer.setU32(AUTHZ_STEPS, at);
  writer.setU32(AUTHZ_STEP_COUNT, steps.length);
  for (const [index, { attribute, part, next }] of steps.entries()) {
    const record = at + STEP_SIZE * index;
    writer.setU32(record + STEP_ATTRIBUTE, attribute);
    writer.setU32(record + STEP_PART, part);
    if (next.size === 0) continue;
    const keys = new TrieKeys();
    for (const [key, step] of next) keys.at(binary(key)).exact = numbers.get(step) ?? 0;
    const begin = writer.size;
    writer.setU32(record + STEP_KEYS, writeTrie(writer, keys.sorted()));
    writer.setU32(record + STEP_KEYS_SIZE, writer.size - begin);
  }
}
