import { CLUSTER, ENDPOINTS, EXTENSION, LISTENER, ROUTES, SECRET } from '#envoy/resource.ts';

// Make before break: what is referred to is in force before what refers to it, and goes after it.
//
//   additions and changes                               removals, once all additions of all types are in force
//   ECDS        at once, always
//   CDS EDS SDS         one stage: see below            LDS
//   LDS                   when those are acknowledged   CDS
//   RDS                     when that is acknowledged
//
// A program refers to nothing, so nothing holds it up: a deny is in force even while clusters warm.
// Envoy acknowledges a response with clusters when these are warm, which takes their endpoints and secrets: the three
// types must not wait for each other, and those after them know by the acknowledgement that the clusters can be used.

const STAGES: readonly (readonly string[])[] = [[EXTENSION], [CLUSTER, ENDPOINTS, SECRET], [LISTENER], [ROUTES]];

const ORDER = STAGES.flat();

/** The place of a type in the order in which changes are sent; types that we do not serve come last. */
export function rank(typeUrl: string): number {
  const place = ORDER.indexOf(typeUrl);
  return place === -1 ? ORDER.length : place;
}

/** A type waits for the acknowledgements of earlier stages. Programs are of stage 0, for which nobody waits. */
export function stage(typeUrl: string): number {
  const place = STAGES.findIndex((types) => types.includes(typeUrl));
  return place === -1 ? STAGES.length : place;
}

/** Types whose first request without names means all resources, as it did before `*` was invented. */
export const isWildcardType = (typeUrl: string): boolean => typeUrl === CLUSTER || typeUrl === LISTENER;
