import { figureOf, type Figure } from './data-plane/figure.ts';
import type { DataPlaneResult } from './data-plane/index.ts';
import { ALL, authzName, BARE_MODULE, EMPTY, matcherName, rulesName } from './data-plane/single-envoy.ts';

// Two pictures side by side: what authorization adds by number of policies, both axes logarithmic, and what each filter
// adds. Bars and lines are medians, thin lines reach from the least to the most of all rounds.

const WIDTH = 980;
const HEIGHT = 400;
const TOP = 60;
const BOTTOM = 340;
const LEFT = { from: 70, to: 480 };
const RIGHT = { from: 690, to: 915 };

const OURS = '#0b6bcb';
const RULES = '#c2410c';
const MATCHER = '#6b7280';
const INK = '#1f2937';
const GRID = '#e5e7eb';

/** The plot as a whole SVG document on white, so that it reads the same on dark pages. */
export function plot(data: DataPlaneResult): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="13" fill="${INK}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    ...policies(data),
    ...filters(data.single),
    '</svg>\n',
  ].join('\n');
}

function policies({ single, policies: sizes }: DataPlaneResult): readonly string[] {
  const series = [
    { name: 'RBAC rules', colour: RULES, of: rulesName },
    { name: 'RBAC matcher', colour: MATCHER, of: matcherName },
    { name: 'authz', colour: OURS, of: authzName },
  ].map(({ name, colour, of }) => ({
    name,
    colour,
    points: sizes.flatMap((size) => {
      const added = figureOf(single, of(size))?.added;
      return added ? [{ size, ...added }] : [];
    }),
  }));
  const all = series.flatMap(({ points }) => points.flatMap(({ median, max }) => [median, max]));
  const [low, high] = [0.5, 10 ** Math.ceil(Math.log10(Math.max(10, ...all)))];
  const x = logarithmic(Math.min(...sizes), Math.max(...sizes), LEFT.from + 20, LEFT.to - 20);
  const vertical = logarithmic(low, high, BOTTOM, TOP);
  const y = (value: number): number => vertical(Math.max(value, low));
  const ticks = [1, 10, 100, 1_000, 10_000].filter((tick) => tick <= high);
  return [
    text(LEFT.from, 28, 'CPU that authorization adds to a request, µs, by number of policies', 'start', 'bold'),
    ...ticks.flatMap((tick) => [
      line(LEFT.from, y(tick), LEFT.to, y(tick), GRID),
      text(LEFT.from - 8, y(tick) + 4, tick.toLocaleString('en'), 'end'),
    ]),
    ...sizes.map((size) => text(x(size), BOTTOM + 22, size.toLocaleString('en'), 'middle')),
    ...series.flatMap(({ name, colour, points }) => {
      const path = points.map(({ size, median }) => `${round(x(size))},${round(y(median))}`).join(' ');
      const last = points.at(-1);
      return [
        ...points.map(({ size, min, max }) => line(x(size), y(min), x(size), y(max), colour)),
        `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2.5"/>`,
        ...points.map(
          ({ size, median }) => `<circle cx="${round(x(size))}" cy="${round(y(median))}" r="4" fill="${colour}"/>`,
        ),
        ...(last ? [text(LEFT.to - 8, labelAt(name, y(last.median)), name, 'start', 'normal', colour)] : []),
      ];
    }),
  ];
}

/** The two flat lines lie close together: their names stand above and below. */
const labelAt = (name: string, y: number): number =>
  name === 'authz' ? y - 4 : name === 'RBAC matcher' ? y + 14 : y + 4;

function filters(single: readonly Figure[]): readonly string[] {
  const names = [BARE_MODULE, EMPTY, 'routing', 'fault', 'metrics', authzName(1_000), ALL];
  const bars = names.flatMap((name) => {
    const added = figureOf(single, name)?.added;
    return added ? [{ name, ...added }] : [];
  });
  const most = Math.max(1, ...bars.map(({ max }) => max));
  const x = (value: number): number => RIGHT.from + (Math.max(0, value) / most) * (RIGHT.to - RIGHT.from);
  const height = (BOTTOM - TOP) / bars.length;
  return [
    text(RIGHT.from - 100, 28, 'CPU that each filter adds, µs', 'start', 'bold'),
    ...bars.flatMap(({ name, median, min, max }, i) => {
      const y = TOP + i * height;
      const middle = y + height / 2;
      return [
        text(RIGHT.from - 8, middle + 4, name, 'end'),
        `<rect x="${RIGHT.from}" y="${round(y + 9)}" width="${round(x(median) - RIGHT.from)}" height="${round(height - 18)}" fill="${OURS}"/>`,
        line(x(min), middle, x(max), middle, INK),
        text(x(Math.max(median, max)) + 6, middle + 4, median.toFixed(2), 'start'),
      ];
    }),
  ];
}

function logarithmic(from: number, to: number, start: number, end: number): (value: number) => number {
  const [low, high] = [Math.log(from), Math.log(to)];
  return (value) => start + ((Math.log(value) - low) / (high - low)) * (end - start);
}

const round = (value: number): string => String(Math.round(value * 10) / 10);

const line = (x1: number, y1: number, x2: number, y2: number, colour: string): string =>
  `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${colour}"/>`;

const text = (x: number, y: number, content: string, anchor: string, weight = 'normal', colour = INK): string =>
  `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" font-weight="${weight}" fill="${colour}">${content}</text>`;
