import { expect, test } from 'vitest';
import { parseGlob } from './glob.ts';

test.each([
  ['abc', ['abc']],
  ['a.*b', ['a', 'b']],
  ['.*', ['', '']],
  ['a\\.b.*', ['a.b', '']],
  ['.*x.*', ['', 'x', '']],
])('%s is literals with anything between', (regex, pieces) => {
  expect(parseGlob(regex)).toEqual(pieces);
});

test.each(['a.b', 'a|b', 'a+', '(a)', '[ab]', 'a.*?', 'a\\d', '^a', 'a$', 'a{2}', 'a\\', '.*+', '.**'])(
  '%s says more than that',
  (regex) => {
    expect(parseGlob(regex)).toBeUndefined();
  },
);
