/**
 * The literal pieces of a regular expression that is nothing but literals and `.*`: `a.*b` is ['a', 'b']. The first
 * piece is where a value begins, the last where it ends. Undefined: the expression says more than that.
 */
export function parseGlob(regex: string): readonly string[] | undefined {
  const pieces: string[] = [];
  let piece = '';
  for (let i = 0; i < regex.length; i++) {
    const character = regex.charAt(i);
    if (character === '\\') {
      const escaped = regex.charAt(++i);
      if (escaped === '' || /[a-zA-Z0-9]/.test(escaped)) return undefined;
      piece += escaped;
    } else if (character === '.' && regex.charAt(i + 1) === '*' && regex.charAt(i + 2) !== '?') {
      pieces.push(piece);
      piece = '';
      i++;
    } else if ('.*+?^${}()|[]'.includes(character)) {
      return undefined;
    } else {
      piece += character;
    }
  }
  return [...pieces, piece];
}
