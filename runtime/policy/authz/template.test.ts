import { expect, test } from 'vitest';
import { parseTemplate } from './template.ts';

test('segments, one of any text, and the rest', () => {
  expect(parseTemplate('/users/{*}/posts/{**}')).toEqual([
    { kind: 'literal', text: 'users' },
    { kind: 'star' },
    { kind: 'literal', text: 'posts' },
    { kind: 'rest', after: '' },
  ]);
  expect(parseTemplate('/{**}/edit/x')).toEqual([{ kind: 'rest', after: '/edit/x' }]);
  expect(parseTemplate('/a/')).toEqual([
    { kind: 'literal', text: 'a' },
    { kind: 'literal', text: '' },
  ]);
});

test.each(['', 'a/{*}', '/a{*}', '/{*}.html', '/{a}', '/{**}/{*}', '/{**}/{**}', '/*', `/${'{*}/'.repeat(70)}`])(
  '%s is none',
  (template) => {
    expect(parseTemplate(template)).toBeUndefined();
  },
);
