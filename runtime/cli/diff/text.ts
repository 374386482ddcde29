import { printable, type Style } from '../render/style.ts';
import type { Compared, ComparedPort, Example } from './comparison.ts';
import { outcomeText } from './outcome.ts';
import { explainLine, requestText } from './request.ts';

export interface Sides {
  readonly before: string;
  readonly after: string;
}

/** Differences for people: by service port, what is newly allowed first. */
export function diffText({ ports, gone, come }: Compared, sides: Sides, style: Style): string {
  const differing = ports.filter(({ allowed, denied, limits }) => allowed.length + denied.length + limits.length > 0);
  const parts = differing.map((port) => portText(port, sides, style));
  const lone = [
    ...gone.map((name) => `${style.red('-')} ${name} is behind a waypoint in ${sides.before} only\n`),
    ...come.map((name) => `${style.green('+')} ${name} is behind a waypoint in ${sides.after} only\n`),
  ];
  return [...parts, ...lone, summary({ ports, gone, come }, style)].join('');
}

function portText(
  { name, waypoint, protocol, allowed, denied, limits }: ComparedPort,
  sides: Sides,
  style: Style,
): string {
  const examples = (title: string, mark: string, list: readonly Example[]): string =>
    list.length === 0
      ? ''
      : `  ${title}\n${list.map((example) => exampleText(example, { name, protocol, sides, mark }, style)).join('')}`;
  return [
    `${style.bold(name)}  waypoint ${waypoint}\n`,
    examples(style.green('newly allowed'), style.green('+'), allowed),
    examples(style.red('newly denied'), style.red('-'), denied),
    ...limits.map((limit) => `  ${style.yellow('?')} there may be more: ${printable(limit)}\n`),
    '\n',
  ].join('');
}

interface Shown {
  readonly name: string;
  readonly protocol: 'http' | 'tcp';
  readonly sides: Sides;
  readonly mark: string;
}

function exampleText(
  { request, before, after }: Example,
  { name, protocol, sides, mark }: Shown,
  style: Style,
): string {
  const line = explainLine(request, name, sides.after, protocol);
  return [
    `  ${mark} ${printable(requestText(request, protocol))}\n`,
    `      ${style.dim('before')}  ${printable(outcomeText(before))}\n`,
    `      ${style.dim('after')}   ${printable(outcomeText(after))}\n`,
    line === undefined ? '' : `      ${style.dim(printable(line))}\n`,
  ].join('');
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

function summary({ ports, gone, come }: Compared, style: Style): string {
  const sum = (of: 'allowed' | 'denied'): number => ports.reduce((count, port) => count + port[of].length, 0);
  const differing = ports.filter(({ allowed, denied }) => allowed.length + denied.length > 0).length;
  const limited = ports.filter(({ limits }) => limits.length > 0).length;
  const head = `${plural(ports.length, 'service port')} compared`;
  const open = limited === 0 ? '' : `, ${limited} not to the end (a larger --budget looks longer)`;
  if (differing + gone.length + come.length === 0) {
    return `${head}: ${limited === 0 ? style.green('every request is decided alike') : 'no difference found'}${open}.\n`;
  }
  const kinds = `${differing} ${differing === 1 ? 'differs' : 'differ'}, ${sum('allowed')} newly allowed, ${sum('denied')} newly denied`;
  return `${head}: ${kinds}${open}.\n`;
}
