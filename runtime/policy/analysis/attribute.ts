import type { AuthzRequest } from '#model/authz.ts';
import { addressBlock, inBlock, type AddressBlock } from '../authz/address.ts';
import { textCells, type Cell, type Cells } from './cell.ts';
import type { Value } from './demand.ts';
import { anyPath, headerLine, host, istioIdentity, method, normalizedPath, otherIdentity } from './domain.ts';
import type { Language } from './language.ts';

/** Where requests are decided, and what is known of those that come there. */
export interface AnalysisTarget {
  readonly protocol: 'http' | 'tcp';
  /** 0: any (traffic to pods). */
  readonly port: number;
  /** Of the service; empty: any. */
  readonly addresses: readonly string[];
  /** Callers of other trust domains are turned away at the door. */
  readonly trustDomains: readonly string[];
  /** Paths are as the default normalization leaves them. */
  readonly normalizedPaths: boolean;
  /** Values that an example had better have, the first ones first. */
  readonly plain: { readonly identities: readonly string[]; readonly hosts: readonly string[] };
}

/** What an attribute has in a request: one value, or the lines of a header. */
export type Lines = readonly string[];

interface Demanded {
  readonly values: readonly Value[];
  /** So many lines of a header can matter at once. */
  readonly lines: number;
}

/** The cells of an attribute as the values of policies cut it, or as one when none does. */
export function cellsOf(attribute: string, { values, lines }: Demanded, target: AnalysisTarget): Cells<Lines> {
  const languages = values.map((value) => (value.kind === 'text' ? value.language : NOBODY));
  const { trustDomains, plain } = target;
  switch (attribute) {
    case 'identity': {
      const domains = [...trustDomains.map(istioIdentity), ...trustDomains.map(otherIdentity)];
      const usual = trustDomains.map((trustDomain) => `spiffe://${trustDomain}/ns/default/sa/default`);
      return asLines(textCells(languages, domains, [...plain.identities, ...usual]));
    }
    case 'host':
      return asLines(textCells(languages, [host], plain.hosts));
    case 'method':
      return asLines(textCells(languages, [method], METHODS));
    case 'path':
      return asLines(textCells(languages, [target.normalizedPaths ? normalizedPath : anyPath], ['/']));
    case 'source.ip':
      return asLines(addressCells(values, SOURCES));
    case 'destination.ip':
      return asLines(
        target.addresses.length === 0 ? addressCells(values, SOURCES) : chosenCells(values, target.addresses),
      );
    case 'destination.port':
      return asLines(portCells(values, target.port));
    default:
      return headerCells(textCells(languages, [headerLine], PLAIN_LINES), lines);
  }
}

/** A request with these values. */
export function requestOf(values: ReadonlyMap<string, Lines>): AuthzRequest {
  const single = (attribute: string): string => values.get(attribute)?.[0] ?? '';
  const headers = [...values].flatMap(([attribute, lines]) => {
    const name = headerName(attribute);
    return name === undefined ? [] : lines.map((line) => [name, line] as const);
  });
  return {
    principal: single('identity'),
    sourceIp: single('source.ip'),
    destinationIp: single('destination.ip'),
    destinationPort: Number(single('destination.port')),
    host: single('host'),
    method: single('method'),
    path: single('path'),
    headers,
  };
}

/** Those that every request has, in the order in which an example had better keep to the plain value. */
export const ALWAYS = ['identity', 'source.ip', 'destination.ip', 'destination.port', 'host', 'method', 'path'];

const headerName = (attribute: string): string | undefined => /^header (.*)$/s.exec(attribute)?.[1];

const NOBODY: Language = { steps: [], ends: [false] };
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'];
const SOURCES = ['127.0.0.1', '10.0.0.1', '192.168.0.1', '172.16.0.1', '8.8.8.8', '2001:db8::1'];
const PLAIN_LINES = ['x', '1', 'other'];

const asLines = ({ cells, complete }: Cells<string>): Cells<Lines> => ({
  complete,
  cells: cells.map(({ value, matches }) => ({ value: [value], matches })),
});

/** More cells of a header than this are not looked at. */
const MOST_CELLS = 20_000;

/** A header may be absent, and may have several lines, each of which counts. */
function headerCells({ cells: single, complete }: Cells<string>, lines: number): Cells<Lines> {
  const found = new Map<string, Cell<Lines>>([['', { value: [], matches: [] }]]);
  let last: Cell<Lines>[] = [{ value: [], matches: [] }];
  for (let count = 1; count <= lines; count++) {
    const next: Cell<Lines>[] = [];
    for (const before of last) {
      for (const { value, matches } of single) {
        const all = [...new Set([...before.matches, ...matches])].sort((a, b) => a - b);
        const key = all.join();
        if (found.has(key)) continue;
        if (found.size === MOST_CELLS) return { cells: [...found.values()], complete: false };
        const cell = { value: [...before.value, value], matches: all };
        found.set(key, cell);
        next.push(cell);
      }
    }
    last = next;
  }
  return { cells: [...found.values()], complete };
}

function portCells(values: readonly Value[], port: number): Cells<string> {
  const ports = values.flatMap((value) => (value.kind === 'number' ? [value.number] : []));
  const free = [8080, 80, 443].find((one) => !ports.includes(one)) ?? Math.max(...ports) - 1;
  const possible = port > 0 ? [port] : [free, ...new Set(ports)];
  const matches = (one: number): number[] => ports.flatMap((number, at) => (number === one ? [at] : []));
  return { complete: true, cells: possible.map((one) => ({ value: String(one), matches: matches(one) })) };
}

const blockOf = (address: string): AddressBlock | undefined =>
  addressBlock({ address, length: address.includes(':') ? 128 : 32 });

function chosenCells(values: readonly Value[], addresses: readonly string[]): Cells<string> {
  const found = new Map<string, Cell<string>>();
  for (const address of addresses) {
    const block = blockOf(address);
    if (block === undefined) continue;
    const matches = values.flatMap((value, at) => (value.kind === 'block' && inBlock(block, value.block) ? [at] : []));
    const key = matches.join();
    if (!found.has(key)) found.set(key, { value: address, matches });
  }
  return { complete: true, cells: [...found.values()] };
}

/** The ends of all blocks cut the addresses of each family into ranges within which all are alike. */
function addressCells(values: readonly Value[], plain: readonly string[]): Cells<string> {
  const found = new Map<string, Cell<string>>();
  const keep = (address: string, matches: readonly number[]): void => {
    const key = matches.join();
    if (!found.has(key)) found.set(key, { value: address, matches });
  };
  for (const { value, matches } of chosenCells(values, plain).cells) keep(value, matches);
  for (const family of [4, 6] as const) {
    const blocks = values.flatMap((value, at) =>
      value.kind === 'block' && value.block.family === family ? [{ at, ...value.block }] : [],
    );
    const cuts = [...new Set([0n, ...blocks.flatMap(({ first, last }) => [first, last + 1n])])].sort(ascending);
    const byFirst = [...blocks].sort((a, b) => ascending(a.first, b.first));
    const end = family === 4 ? 1n << 32n : 1n << 128n;
    let open: typeof byFirst = [];
    let next = 0;
    for (const [index, cut] of cuts.entries()) {
      if (cut >= end) break;
      open = open.filter(({ last }) => last >= cut);
      while (next < byFirst.length && byFirst[next]!.first <= cut) open.push(byFirst[next++]!);
      const after = cuts[index + 1] ?? end;
      // The first address of a network is seldom somebody's.
      const address = after - cut > 2n ? cut + 1n : cut;
      keep(
        addressText(address, family),
        open.map(({ at }) => at).sort((a, b) => a - b),
      );
    }
  }
  return { complete: true, cells: [...found.values()] };
}

const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

function addressText(address: bigint, family: 4 | 6): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => ((address >> BigInt(112 - 16 * at)) & 0xffffn).toString(16));
  const longest = [...`:${groups.join(':')}:`.matchAll(/:(?:0:){2,}/g)].sort((a, b) => b[0].length - a[0].length)[0];
  const text = `:${groups.join(':')}:`;
  if (longest === undefined) return text.slice(1, -1);
  const [head, tail] = [text.slice(1, longest.index), text.slice(longest.index + longest[0].length, -1)];
  return `${head}::${tail}`;
}
