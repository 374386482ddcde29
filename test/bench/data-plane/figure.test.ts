import { describe, expect, it } from 'vitest';
import { addedByRound, difference, paired, quotient, spread, type Figure } from './figure.ts';
import { allowedProcessors } from './processor.ts';
import { chosen } from './rounds.ts';

const figure = (name: string, rounds: readonly number[], baseline?: string): Figure => ({
  name,
  ...(baseline === undefined ? {} : { baseline }),
  rounds,
  cpu: spread(rounds),
  requests: 1,
  requestsPerSecond: 1,
});

describe('figures', () => {
  it('take the middle of an odd and the mean of the two middle ones of an even number of rounds', () => {
    expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(spread([4, 1, 2, 9])).toEqual({ median: 3, min: 1, max: 9 });
    expect(() => spread([])).toThrow('at least one round');
  });

  it('compare round by round, so that a machine that slows down changes no ratio', () => {
    const [slow, base] = [
      [20, 40, 80],
      [10, 20, 40],
    ];
    expect(paired(slow, base, quotient)).toEqual([2, 2, 2]);
    expect(paired(slow, base, difference)).toEqual([10, 20, 40]);
  });

  it('know what a variant adds, and nothing of what was not measured', () => {
    const figures = [figure('none', [10, 10]), figure('authz', [13, 14], 'none'), figure('lost', [1, 1], 'absent')];
    expect(addedByRound(figures, 'authz')).toEqual([3, 4]);
    expect(addedByRound(figures, 'none')).toBeUndefined();
    expect(addedByRound(figures, 'lost')).toBeUndefined();
    expect(addedByRound(figures, 'absent')).toBeUndefined();
  });
});

describe('variants', () => {
  const all = [
    { name: 'none' },
    { name: 'other' },
    { name: 'authz, 1', baseline: 'none' },
    { name: 'x', baseline: 'other' },
  ];

  it('are chosen by a part of their name, with their baselines', () => {
    expect(chosen(all, 'authz').map(({ name }) => name)).toEqual(['none', 'authz, 1']);
    expect(chosen(all, undefined)).toBe(all);
    expect(chosen(all, 'nothing')).toEqual([]);
  });
});

describe('processors', () => {
  it('are read as the kernel lists them', () => {
    expect(allowedProcessors('Name:\tnode\nCpus_allowed_list:\t0-2,5,8-9\nMems_allowed:\t1\n')).toEqual([
      0, 1, 2, 5, 8, 9,
    ]);
    expect(allowedProcessors('Cpus_allowed_list:\t3\n')).toEqual([3]);
  });
});
