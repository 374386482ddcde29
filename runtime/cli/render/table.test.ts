import { describe, expect, it } from 'vitest';
import { bars, percent } from './bar.ts';
import { createStyle } from './style.ts';
import { table } from './table.ts';

describe('table', () => {
  it('aligns columns, with - for what is unknown and nothing at the end of lines', () => {
    const rows = [
      ['app', 'wp', undefined],
      ['shop', 'waypoint', 'in sync'],
    ];
    expect(table(['NAMESPACE', 'WAYPOINT', 'CONFIG'], rows, createStyle(false))).toBe(
      'NAMESPACE  WAYPOINT  CONFIG\napp        wp        -\nshop       waypoint  in sync\n',
    );
  });

  it('measures paint as nothing', () => {
    const style = createStyle(true);
    const [, first, second] = table(
      ['A', 'B'],
      [
        [style.red('x'), '1'],
        ['y', '2'],
      ],
      style,
    ).split('\n');
    expect(first).toBe(`${style.red('x')}  1`);
    expect(second).toBe('y  2');
  });
});

describe('bars', () => {
  it('draws shares in eighths of a cell', () => {
    const chart = bars(
      [
        { label: 'reviews-v1', count: 180, expected: 0.9 },
        { label: 'reviews-v2', count: 20, expected: 0.1 },
      ],
      70,
      createStyle(false),
    );
    expect(chart).toBe(
      '  reviews-v1  ████████████████████████▎    180  90%  configured 90%\n' +
        '  reviews-v2  ██▊                           20  10%  configured 10%\n',
    );
  });

  it('says one decimal where there is one', () => {
    expect([0, 0.125, 0.1, 1, 1 / 3].map(percent)).toEqual(['0%', '12.5%', '10%', '100%', '33.3%']);
  });
});
