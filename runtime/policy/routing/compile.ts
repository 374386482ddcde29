import { FEATURE_ROUTING } from '#abi/program.ts';
import {
  ROUTING_FORMAT,
  SPLIT_BACKENDS_MAX,
  STICKY_COOKIE,
  STICKY_HEADER,
  STICKY_IDENTITY,
  STICKY_NONE,
} from '#abi/routing.ts';
import type { RouteAction, Sticky, WeightedBackend } from '#model/route.ts';
import type { ServicePort } from '#model/waypoint.ts';
import { fnv1a64 } from '../hash.ts';
import { writeRouteTable } from '../route-table.ts';
import { ProgramWriter } from '../writer.ts';

type Forward = Extract<RouteAction, { kind: 'forward' }>;

interface Share {
  readonly draw: number;
  readonly share: number;
  readonly seed: bigint;
}

interface Split {
  readonly sticky: number;
  readonly name: Uint8Array;
  readonly backends: readonly Share[];
}

const encoder = new TextEncoder();

const NO_NAME = new Uint8Array(0);

/** A route splits when more than one backend has a share of it. */
export function splits(action: RouteAction): action is Forward {
  if (action.kind !== 'forward') return false;
  let shares = 0;
  for (const { weight } of action.backends) if (weight > 0) shares++;
  return shares > 1;
}

/**
 * The routing program of a service port (abi/routing.ts draws it); undefined when no route splits. Throws a
 * RangeError for weights that Envoy does not take either: their sum must be below 2^32.
 */
export function compileRouting(port: ServicePort): Uint8Array | undefined {
  const entries: (readonly [string, Split])[] = [];
  for (const route of port.routes) {
    if (splits(route.action)) entries.push([route.name, split(route.action)]);
  }
  if (entries.length === 0) return undefined;
  const writer = new ProgramWriter();
  const rows = writeRouteTable(writer, entries, { nameless: true });
  const names = rows.map(({ content }) => writer.bytes(content.name));
  rows.forEach(({ content, recordAt }, i) => {
    writer.align(8);
    writer.setU32(recordAt, writer.size);
    writeSplit(writer, content, names[i] ?? 0);
  });
  return writer.finish(FEATURE_ROUTING, ROUTING_FORMAT);
}

/** Writes a split as abi/routing.ts draws it. */
function writeSplit(writer: ProgramWriter, { sticky: by, name, backends }: Split, nameAt: number): void {
  writer.u32(backends.length);
  writer.u32(by);
  writer.u32(name.length === 0 ? 0 : nameAt);
  writer.u32(name.length);
  for (const { draw, share, seed } of backends) {
    writer.u32(draw);
    writer.u32(share);
    writer.u64big(seed);
  }
}

function split(action: Forward): Split {
  const { sticky: by, name } = sticky(action.sticky);
  return { sticky: by, name, backends: shares(action.backends, action.sticky !== undefined) };
}

function sticky(by: Sticky | undefined): { readonly sticky: number; readonly name: Uint8Array } {
  switch (by?.by) {
    case undefined:
      return { sticky: STICKY_NONE, name: NO_NAME };
    case 'header':
      return { sticky: STICKY_HEADER, name: encoder.encode(by.name.toLowerCase()) };
    case 'cookie':
      return { sticky: STICKY_COOKIE, name: encoder.encode(by.name) };
    case 'identity':
      return { sticky: STICKY_IDENTITY, name: NO_NAME };
  }
}

/** Shares in the order of the backends, where Envoy's cumulative weights are. Only what is sticky needs seeds. */
function shares(backends: readonly WeightedBackend[], seeded: boolean): readonly Share[] {
  let total = 0;
  let count = 0;
  let common = 0;
  for (const { weight } of backends) {
    total += weight;
    if (weight > 0) count++;
    common = greatestCommonDivisor(common, weight);
  }
  if (total > 0xffff_ffff) throw new RangeError(`expected weights with a sum below 2^32, came ${total}`);
  if (count > SPLIT_BACKENDS_MAX) {
    throw new RangeError(`expected at most ${SPLIT_BACKENDS_MAX} backends in a split, came ${count}`);
  }
  const seeds = seeded ? seedsOf(backends) : undefined;
  const result: Share[] = [];
  let draw = 0;
  backends.forEach(({ weight }, index) => {
    if (weight > 0) result.push({ draw, share: weight / common, seed: seeds?.[index] ?? 0n });
    draw += weight;
  });
  return result;
}

/** A backend that is named twice is two of them: with one seed both would win the same values. */
function seedsOf(backends: readonly WeightedBackend[]): readonly bigint[] {
  const seen = new Map<string, number>();
  return backends.map(({ backend = '' }) => {
    const twin = seen.get(backend) ?? 0;
    seen.set(backend, twin + 1);
    return fnv1a64(encoder.encode(twin === 0 ? backend : `${backend}#${twin}`));
  });
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
