import { expect, test } from 'vitest';
import { admits } from './allowed-namespaces.ts';

const expression = (operator: string, values: readonly string[] = []) => ({
  from: 'Selector',
  selector: { matchExpressions: [{ key: 'team', operator, values }] },
});

test.each([
  [undefined, 'home', {}, true],
  [undefined, 'other', {}, false],
  [{ from: 'All' }, 'other', {}, true],
  [{ from: 'None' }, 'home', {}, false],
  [{ from: 'Anything' }, 'home', {}, false],
  [{ from: 'Selector' }, 'home', {}, false],
  [{ from: 'Selector', selector: {} }, 'other', {}, true],
  [{ from: 'Selector', selector: { matchLabels: { a: 'b' } } }, 'other', { a: 'b' }, true],
  [{ from: 'Selector', selector: { matchLabels: { a: 'b' } } }, 'other', { a: 'c' }, false],
  [{ from: 'Selector', selector: { matchLabels: { constructor: 'x' } } }, 'other', {}, false],
  [{ from: 'Selector', selector: { matchLabels: { 'kubernetes.io/metadata.name': 'other' } } }, 'other', {}, true],
  // Nobody becomes another namespace by a label of his own.
  [
    { from: 'Selector', selector: { matchLabels: { 'kubernetes.io/metadata.name': 'other' } } },
    'evil',
    { 'kubernetes.io/metadata.name': 'other' },
    false,
  ],
  [expression('In', ['red', 'blue']), 'other', { team: 'red' }, true],
  [expression('In', ['red']), 'other', {}, false],
  [expression('NotIn', ['red']), 'other', {}, true],
  [expression('NotIn', ['red']), 'other', { team: 'red' }, false],
  [expression('Exists'), 'other', { team: '' }, true],
  [expression('DoesNotExist'), 'other', { team: '' }, false],
  [expression('Like', ['red']), 'other', { team: 'red' }, false],
])('%o admits %s with labels %o: %s', (allowed, namespace, labels, expected) =>
  expect(admits(allowed, 'home', namespace, labels as Readonly<Record<string, string>>)).toBe(expected),
);
