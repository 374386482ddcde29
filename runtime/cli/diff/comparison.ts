import type { AuthzRequest } from '#model/authz.ts';
import type { PathNormalization } from '#model/path-normalization.ts';
import type { Model } from '#model/waypoint.ts';
import { compare, type Routed } from '#policy/analysis/difference.ts';
import { targetsOf, type DecidedTarget } from '#policy/analysis/target.ts';
import { chooseRoute } from '../explain/route.ts';
import { outcomeOf, type Outcome } from './outcome.ts';

/** A request and what becomes of it before and after. */
export interface Example {
  readonly request: AuthzRequest;
  readonly before: Outcome;
  readonly after: Outcome;
}

/** One service port that both sides have. */
export interface ComparedPort {
  readonly name: string;
  readonly waypoint: string;
  readonly protocol: 'http' | 'tcp';
  readonly allowed: readonly Example[];
  readonly denied: readonly Example[];
  readonly limits: readonly string[];
}

export interface Compared {
  readonly ports: readonly ComparedPort[];
  /** Behind a waypoint on one side alone. */
  readonly gone: readonly string[];
  readonly come: readonly string[];
}

/** What two models decide differently. */
export function comparison(
  before: Model,
  after: Model,
  paths: PathNormalization | undefined,
  steps?: number,
): Compared {
  const [old, now] = [placesOf(before, paths), placesOf(after, paths)];
  return {
    ports: [...now].flatMap(([name, place]) => {
      const was = old.get(name);
      return was === undefined ? [] : [comparePort(was, place, steps)];
    }),
    gone: [...old.keys()].filter((name) => !now.has(name)),
    come: [...now.keys()].filter((name) => !old.has(name)),
  };
}

export const isSame = ({ ports, gone, come }: Compared): boolean =>
  gone.length + come.length === 0 && ports.every(({ allowed, denied }) => allowed.length + denied.length === 0);

interface DecidedPlace extends DecidedTarget {
  readonly waypoint: string;
}

/** By name and protocol: a port that changes its protocol is another. */
function placesOf({ waypoints }: Model, paths: PathNormalization | undefined): ReadonlyMap<string, DecidedPlace> {
  const places = waypoints.flatMap((waypoint) =>
    targetsOf(waypoint, paths).map((one) => ({ ...one, waypoint: `${waypoint.namespace}/${waypoint.name}` })),
  );
  return new Map(
    places.map((place) => [
      place.target.protocol === 'tcp' && !place.name.endsWith(')') ? `${place.name} (TCP)` : place.name,
      place,
    ]),
  );
}

function comparePort(was: DecidedPlace, place: DecidedPlace, steps: number | undefined): ComparedPort {
  const { name, waypoint, target } = place;
  const common = { name, waypoint, protocol: target.protocol } as const;
  // Most ports of two large sets are alike: their policies need not be understood.
  if (isAlike(was, place)) return { ...common, allowed: [], denied: [], limits: [] };
  const shared = target.addresses.filter((address) => was.target.addresses.includes(address));
  const where = { ...target, addresses: shared.length > 0 ? shared : target.addresses };
  const [before, after] = [routed(was), routed(place)];
  const { differences, limits } = compare(was.set, place.set, where, steps, [before, after]);
  const examples = differences.map(({ request }) => ({
    request,
    before: outcomeOf(was.set, before(request), target.protocol),
    after: outcomeOf(place.set, after(request), target.protocol),
  }));
  return {
    ...common,
    allowed: examples.filter(({ after }) => after.allowed),
    denied: examples.filter(({ after }) => !after.allowed),
    limits,
  };
}

/** Policies of routes decide another way when the routes are other ones. */
function isAlike(was: DecidedPlace, place: DecidedPlace): boolean {
  if (JSON.stringify(was.set) !== JSON.stringify(place.set)) return false;
  if (!hasRoutePolicies(place)) return true;
  const matches = ({ routes }: DecidedPlace): string => JSON.stringify(routes.map(({ name, match }) => [name, match]));
  return matches(was) === matches(place);
}

const hasRoutePolicies = ({ set }: DecidedPlace): boolean => set.policies.some(({ routes }) => routes !== undefined);

/** A request on the route that it takes at a place, where policies ask for it. */
const routed = (place: DecidedPlace): Routed =>
  place.target.protocol === 'tcp' || !hasRoutePolicies(place)
    ? (request) => request
    : (request) => {
        const { route } = chooseRoute(place.routes, request);
        return route === undefined ? request : { ...request, route: route.name };
      };
