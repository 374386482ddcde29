import type { Fault } from '#model/fault.ts';
import type { Route } from '#model/route.ts';
import { percent } from '../render/bar.ts';

/** `bookinfo/reviews rule[0]` */
export const policyText = ({
  namespace,
  name,
  rule,
}: {
  readonly namespace: string;
  readonly name: string;
  readonly rule: number;
}): string => `${namespace}/${name} rule[${rule}]`;

/** `HTTPRoute bookinfo/reviews rule[0]`, or that no resource made the route. */
export const originText = ({ origin, name }: { readonly origin?: Route['origin']; readonly name: string }): string =>
  origin === undefined
    ? `default route ${name}`
    : `${origin.kind} ${origin.namespace}/${origin.name} rule[${origin.rule}]`;

/** `prefix "/v2", method GET, header x-user exact "alice"` */
export function matchText({ path, method, headers, query, claims = [] }: Route['match']): string {
  const value = (match: Route['match']['headers'][number]['match']): string =>
    match.kind === 'present' ? 'present' : `${match.kind} "${match.value}"`;
  return [
    `${path.kind === 'rawPrefix' ? 'prefix' : path.kind} "${path.value}"`,
    ...(method === undefined ? [] : [`method ${method}`]),
    ...headers.map(({ name, match, invert }) => `header ${name} ${invert ? 'not ' : ''}${value(match)}`),
    ...claims.map(
      ({ path: claim, match, invert }) => `claim ${claim.join('.')} ${invert === true ? 'not ' : ''}${value(match)}`,
    ),
    ...query.map(({ name, match }) => `query ${name} ${value(match)}`),
  ].join(', ');
}

/** `delay 400 ms for 100%, abort 500 for 10%` */
export function faultText({ delay, abort }: Fault): string {
  const share = (perMillion: number): string => percent(perMillion / 1_000_000);
  return [
    ...(delay === undefined ? [] : [`delay ${delay.fixedMs} ms for ${share(delay.perMillion)}`]),
    ...(abort === undefined ? [] : [`abort ${abort.httpStatus} for ${share(abort.perMillion)}`]),
  ].join(', ');
}
