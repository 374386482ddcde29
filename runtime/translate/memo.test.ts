import { describe, expect, test, vi } from 'vitest';
import { equal, ListMemo, Memo, ResourceMemo, step } from './memo.ts';

describe('Memo', () => {
  test('computes again only when an input is another object', () => {
    const memo = new Memo<object>();
    const input = {};
    const make = vi.fn(() => ({ value: {} }));
    const first = memo.get('a', [input, 1], make);
    expect(memo.get('a', [input, 1], make)).toBe(first);
    expect(make).toHaveBeenCalledTimes(1);
    memo.get('a', [{}, 1], make);
    expect(make).toHaveBeenCalledTimes(2);
  });

  test('gives the earlier object when other inputs lead to an equal one', () => {
    const memo = new Memo<unknown>();
    const first = memo.get('a', [1], () => ({ list: [1, { x: 'y' }] }));
    expect(memo.get('a', [2], () => ({ list: [1, { x: 'y' }] }))).toBe(first);
    expect(memo.get('a', [3], () => ({ list: [1, { x: 'z' }] }))).not.toBe(first);
  });

  test('a value that was replaced does not come back', () => {
    const memo = new Memo<number>();
    expect([1, 2, 1].map((input) => memo.get('a', [input], () => input))).toEqual([1, 2, 1]);
  });

  test('sweep forgets what nobody asked for', () => {
    const memo = new Memo<object>();
    const kept = memo.get('kept', [], () => ({}));
    memo.get('gone', [], () => ({}));
    memo.sweep();
    expect(memo.get('kept', [], () => ({}))).toBe(kept);
    memo.sweep();
    expect(memo.size).toBe(1);
  });
});

test('ResourceMemo tells namespaces apart and lets go of those without resources', () => {
  const memo = new ResourceMemo<string>();
  expect(memo.get({ namespace: 'a', name: 'b' }, [], () => 'a/b')).toBe('a/b');
  expect(memo.get({ namespace: 'b', name: 'b' }, [], () => 'b/b')).toBe('b/b');
  memo.sweep();
  memo.sweep();
  expect(memo.get({ namespace: 'a', name: 'b' }, [], () => 'new')).toBe('new');
});

test('ListMemo keeps a list while its items are the same', () => {
  const lists = new ListMemo();
  const item = {};
  const first = lists.keep('a', [item]);
  expect(lists.keep('a', [item])).toBe(first);
  expect(lists.keep('a', [{ other: true }])).not.toBe(first);
  expect(lists.keep('b', [])).toBe(lists.keep('c', []));
});

test('step is taken again when an input changes', () => {
  const compute = vi.fn((a: number, b: number) => ({ sum: a + b }));
  const add = step(compute);
  expect(add(1, 2)).toBe(add(1, 2));
  expect(add(1, 3)).toEqual({ sum: 4 });
  expect(compute).toHaveBeenCalledTimes(2);
});

describe('equal', () => {
  test.each([
    [{ a: [1] }, { a: [1] }, true],
    [{ a: undefined }, {}, false],
    [{ a: 1, b: 2 }, { a: 1, c: 2 }, false],
    [[1, 2], [1], false],
    [[1], { 0: 1 }, false],
    [null, {}, false],
    [new Map([[1, 2]]), new Map([[1, 2]]), false],
    [new Memo(), new Memo(), false],
  ])('%o and %o: %s', (a, b, expected) => expect(equal(a, b)).toBe(expected));
});
