import type { CallerMatch } from '#envoy/local-reply.ts';
import { identityOf } from '../identity.ts';
import { usage } from '../failure.ts';

/** The callers that `--explain-to` names: identities, or beginnings of identities with `*` at the end. */
export function callerMatches(lists: readonly string[], trustDomain: string): readonly CallerMatch[] {
  return lists
    .flatMap((list) => list.split(','))
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map((text) => callerMatch(text, trustDomain));
}

function callerMatch(text: string, trustDomain: string): CallerMatch {
  if (!text.endsWith('*')) return { kind: 'exact', value: identityOf(text, trustDomain) };
  const begin = text.slice(0, -1);
  // Only what an identity can hold: the text becomes part of an expression.
  if (!/^[\w.:/-]*$/.test(begin)) {
    throw usage(`"${text}" is no beginning of an identity`, {
      expected: `${trustDomain}/ns/app/*, app/*, spiffe://${trustDomain}/* or *`,
      came: text,
    });
  }
  const short = /^([\w.-]+)\/([\w.-]*)$/.exec(begin);
  const isDomain = begin.startsWith(`${trustDomain}/`);
  if (begin === '' || begin.startsWith('spiffe://')) return { kind: 'prefix', value: begin };
  if (short === null || isDomain) return { kind: 'prefix', value: `spiffe://${begin}` };
  return { kind: 'prefix', value: `spiffe://${trustDomain}/ns/${short[1]}/sa/${short[2]}` };
}
