import { describe, expect, it } from 'vitest';
import { normalizedPath as normalize } from '#cli/explain/path.ts';
import { parseSpiffeId } from '#model/identity.ts';
import { isOf, textCells } from './cell.ts';
import { headerLine, istioIdentity, method, normalizedPath, otherIdentity } from './domain.ts';
import { language, literal, many, one } from './language.ts';

const starting = (text: string) => language([...literal(text), many('any')]);
const ending = (text: string) => language([many('any'), ...literal(text)]);
const exactly = (text: string) => language(literal(text));

describe('cells of a text', () => {
  it('are those that can occur, the plainest value first', () => {
    const { cells, complete } = textCells([exactly('GET'), starting('P'), ending('T')], [method], ['GET']);
    expect(complete).toBe(true);
    expect(cells.map(({ value, matches }) => [value, matches.join()])).toEqual([
      ['GET', '0,2'],
      ['D', ''],
      ['P', '1'],
      ['T', '2'],
      ['PT', '1,2'],
    ]);
  });

  it('of a header may be empty', () => {
    const { cells } = textCells([language([one('any'), many('any')])], [headerLine], []);
    expect(cells.map(({ value }) => value)).toEqual(['', 'a']);
  });

  it('have no path that normalization does not leave', () => {
    const { cells } = textCells(
      ['//x', '/a/../b', '/a/..', '/%41', '/a%2Fb', '/a#b', '/a', '/a%20b', '/...'].map(exactly),
      [normalizedPath],
      [],
    );
    expect(cells.flatMap(({ matches }) => matches)).toEqual([6, 8, 7]);
  });

  it('of ten thousand identities are found in time that grows with their length', { timeout: 60_000 }, () => {
    const names = Array.from({ length: 10_000 }, (_, i) => exactly(`spiffe://cluster.local/ns/team-${i % 50}/sa/${i}`));
    const { cells, complete } = textCells(names, [istioIdentity('cluster.local')], []);
    expect(complete).toBe(true);
    expect(cells).toHaveLength(10_001);
  });
});

describe('domains', () => {
  const alphabet = ['/', '.', '..', '%', '2', 'F', 'e', 'a', '?', '\\', '4', '1', '%2e', '%20'];
  it('of paths hold what normalization leaves as it is', () => {
    let state = 1;
    for (let round = 0; round < 20_000; round++) {
      let path = '/';
      for (let i = 0; i < 8; i++) {
        state = (state * 48_271) % 2_147_483_647;
        if (state % 5 > 0) path += alphabet[state % alphabet.length];
      }
      expect([path, isOf(normalizedPath, path)]).toEqual([path, normalize(path, 'STRICT') === path]);
    }
  });

  it.each(['spiffe://td/ns/a/sa/b', 'spiffe://td/ns/../sa/b', 'spiffe://td/ns/.../sa/..b', 'spiffe://td/ns/a/sa/.'])(
    'of identities: %s',
    (id) => {
      expect(isOf(istioIdentity('td'), id)).toBe(parseSpiffeId(id) !== undefined);
      expect(isOf(otherIdentity('td'), id)).toBe(false);
    },
  );

  it('of other identities', () => {
    const ids = ['spiffe://td/x', 'spiffe://td/x/ns', 'spiffe://td/', 'spiffe://td/x/ns/y', 'spiffe://other/x'];
    expect(ids.map((id) => isOf(otherIdentity('td'), id))).toEqual([true, true, false, false, false]);
  });
});
