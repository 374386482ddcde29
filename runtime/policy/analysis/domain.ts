/**
 * The values that an attribute of a request can have where policies look at it, as a machine that reads them character
 * by character. What it does not read cannot occur: a policy that asks for it asks in vain.
 */
export interface Domain {
  /** The state after one more character; undefined: no value goes on so. */
  next(state: string, character: string): string | undefined;
  /** A value may end here. */
  ends(state: string): boolean;
  /** Characters that must be tried here, beside those of `characters`. */
  needs(state: string): string;
  /** Stands for all characters that nobody names, best to be read first. Of characters alike one is enough. */
  readonly characters: string;
  /** What tells characters apart for `next`, in any state. */
  kind(this: void, character: string): string;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789-_ABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** All that is printed, letters first. */
const PRINTED = `${LETTERS}.~!$&'()*+,;=:@/"<>[]^\`{|}\\%#?`;

/** The state is how much of a fixed beginning has been read, until it has been. */
function after(beginning: string, rest: Omit<Domain, 'needs'>): Domain {
  const position = (state: string): number => (state.startsWith('#') || state === '' ? Number(state.slice(1)) : -1);
  return {
    ...rest,
    next(state, character) {
      const at = position(state);
      if (at < 0) return rest.next(state, character);
      if (character !== beginning.charAt(at)) return undefined;
      return at + 1 === beginning.length ? 'begin' : `#${at + 1}`;
    },
    ends: (state) => position(state) < 0 && rest.ends(state),
    needs(state) {
      const at = position(state);
      return at < 0 ? (NEEDS[state] ?? '') : beginning.charAt(at);
    },
  };
}

/** What leads through the middle of an identity. */
const NEEDS: Readonly<Record<string, string>> = { slash: 's', s: 'a', sa: '/' };

/** Identities of Istio's form: `spiffe://<trust domain>/ns/<namespace>/sa/<account>`. */
export const istioIdentity = (trustDomain: string): Domain =>
  after(`spiffe://${trustDomain}/ns/`, {
    characters: `${LETTERS}/`,
    kind: (character) => (/[\w-]/.test(character) ? 'w' : character),
    ends: (state) => state === 'account',
    next(state, character) {
      switch (state) {
        case 'slash':
          return character === 's' ? 's' : undefined;
        case 's':
          return character === 'a' ? 'sa' : undefined;
        case 'sa':
          return character === '/' ? 'account begin' : undefined;
        case 'namespace':
          return character === '/' ? 'slash' : segment(character, 'namespace');
        case 'account':
          return segment(character, 'account');
        default: {
          // The beginning of a segment, and as long as it is nothing but one or two dots.
          const isAccount = state.startsWith('account');
          const of = isAccount ? 'account' : 'namespace';
          if (character !== '.') return segment(character, of);
          return state.endsWith('..') ? of : `${state}.`;
        }
      }
    },
  });

const segment = (character: string, state: string): string | undefined =>
  /[\w.-]/.test(character) ? state : undefined;

/** SPIFFE identities of a trust domain of any other form: those in which no namespace can be found. */
export const otherIdentity = (trustDomain: string): Domain =>
  after(`spiffe://${trustDomain}/`, {
    characters: PRINTED,
    kind: (character) => ('/ns '.includes(character) ? character : 'p'),
    ends: (state) => state !== 'begin' && !state.endsWith('/'),
    next(state, character) {
      if (character === ' ') return undefined;
      // Nothing may come after `/ns/`; the trust domain ended with a slash.
      const tail = state === 'begin' ? '/' : state;
      const on = tail + character;
      if (on === '/ns/') return undefined;
      return ['/ns/', '/ns', '/n', '/'].find((part) => on.endsWith(part)) ?? 'text';
    },
  });

/** A method: a token of HTTP. */
export const method: Domain = free(`GPDHOTABCEFIJKLMNQRSUVWXYZ${LETTERS}.!$&'*+^\`|~%#`, (character) =>
  /[A-Za-z0-9!#$%&'*+.^_`|~-]/.test(character),
);

/** A host, perhaps with a port. */
export const host: Domain = free(`${LETTERS}.:[]~!$&'()*+,;=%`, (character) => /[^\s/?#\\@]/.test(character));

/** A line of a header. It may be empty; blanks at its ends come through HTTP/2 alone, and are tried last. */
export const headerLine: Domain = { ...free(`${PRINTED} `, () => true), ends: () => true };

/** Any text that is not empty. */
function free(characters: string, has: (character: string) => boolean): Domain {
  return {
    characters,
    kind: (character) => (has(character) ? '1' : '0'),
    next: (_state, character) => (has(character) ? 'text' : undefined),
    ends: (state) => state === 'text',
    needs: () => '',
  };
}

/** Any path and query: what reaches policies when nothing normalizes it. */
export const anyPath: Domain = {
  characters: PRINTED,
  kind: (character) => (character === '/' ? '/' : character === ' ' ? ' ' : 'p'),
  next: (state, character) => (character === ' ' || (state === '' && character !== '/') ? undefined : 'text'),
  ends: (state) => state === 'text',
  needs: (state) => (state === '' ? '/' : ''),
};

/**
 * A path and query as the default normalization (STRICT) leaves them: no dot segments, no two slashes in a row, no
 * backslash and no fragment, no escaped slash, and no escape of what needs none. Dots and escapes are only tried where
 * a policy names them: elsewhere a letter does as well.
 */
export const normalizedPath: Domain = {
  characters: PRINTED.replace(/[.%\\#]/g, ''),
  kind: (character) => ('/?.%\\# '.includes(character) ? character : 'p'),
  next(state, character) {
    if (state === 'query') return character === '#' || character === ' ' ? undefined : state;
    if (state === '') return character === '/' ? 'slash' : undefined;
    if ('\\# '.includes(character)) return undefined;
    if (state.startsWith('%')) {
      if (!/[0-9a-fA-F]/.test(character)) return this.next('text', character);
      if (state === '%') return `%${character}`;
      const escaped = String.fromCharCode(Number.parseInt(state.charAt(1) + character, 16));
      return /[\w.~/\\-]/.test(escaped) ? undefined : 'text';
    }
    const isDots = state === 'dot' || state === 'dots';
    switch (character) {
      case '/':
        return state === 'slash' || isDots ? undefined : 'slash';
      case '?':
        return isDots ? undefined : 'query';
      case '%':
        return '%';
      case '.':
        return state === 'slash' ? 'dot' : state === 'dot' ? 'dots' : 'text';
      default:
        return 'text';
    }
  },
  ends: (state) => state !== '' && state !== 'dot' && state !== 'dots',
  needs: (state) => (state === '' ? '/' : state.startsWith('%') ? '0123456789abcdef' : ''),
};
