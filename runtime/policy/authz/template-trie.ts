import type { ProgramWriter } from '../writer.ts';
import { TrieKeys, writeTrie } from './byte-trie.ts';
import type { Segment } from './template.ts';

/** A node between two segments; atoms are numbers plus one, 0 for none. */
interface Node {
  exact: number;
  star: Node | undefined;
  tails: TrieKeys | undefined;
  readonly children: Map<string, Node>;
}

export interface TemplateSections {
  readonly templatesAt: number;
  readonly templatesSize: number;
  readonly tailsAt: number;
  readonly tailsSize: number;
}

const node = (): Node => ({ exact: 0, star: undefined, tails: undefined, children: new Map() });

/** Templates that share their first segments, written as one trie (see filters/abi/authz.ts). */
export class TemplateTrie {
  readonly #root = node();

  add(segments: readonly Segment[], atom: number): void {
    let at = this.#root;
    for (const segment of segments) {
      switch (segment.kind) {
        case 'star':
          at = at.star ??= node();
          break;
        case 'literal': {
          const child = at.children.get(segment.text) ?? node();
          at.children.set(segment.text, child);
          at = child;
          break;
        }
        case 'rest':
          at.tails ??= new TrieKeys();
          at.tails.at(reverse(segment.after)).prefix = atom;
          return;
      }
    }
    at.exact = atom;
  }

  write(writer: ProgramWriter): TemplateSections {
    const texts: { readonly at: number; readonly text: string }[] = [];
    const tails: { readonly at: number; readonly keys: TrieKeys }[] = [];
    const writeNode = (from: Node): void => {
      writer.u32(from.exact);
      const star = writer.reserve(4);
      const rest = writer.reserve(4);
      if (from.tails) tails.push({ at: rest, keys: from.tails });
      const children = [...from.children].sort(([a], [b]) => (a < b ? -1 : 1));
      writer.u32(children.length);
      let slot = writer.reserve(12 * children.length);
      for (const [text, child] of children) {
        texts.push({ at: slot, text });
        writer.setU32(slot + 4, text.length);
        writer.setU32(slot + 8, writer.size);
        slot += 12;
        writeNode(child);
      }
      if (from.star) {
        writer.setU32(star, writer.size);
        writeNode(from.star);
      }
    };
    const templatesAt = writer.size;
    writeNode(this.#root);
    const tailsAt = writer.size;
    for (const { at, keys } of tails) writer.setU32(at, writeTrie(writer, keys.sorted()));
    const end = writer.size;
    for (const { at, text } of texts) writer.setU32(at, writer.binary(text));
    return { templatesAt, templatesSize: tailsAt - templatesAt, tailsAt, tailsSize: end - tailsAt };
  }
}

/** The string from its end. */
export function reverse(text: string): string {
  let result = '';
  for (let i = text.length - 1; i >= 0; i--) result += text.charAt(i);
  return result;
}
