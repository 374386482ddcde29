import type { AuthzPolicy } from '#model/authz.ts';
import type { Finding } from '#model/finding.ts';
import type { Flaw, Reason } from './flaw.ts';

/** A flaw of a rule as `check` says it. */
export function sayFlaw(policy: AuthzPolicy, rule: number, flaw: Flaw): Finding {
  const { action } = policy;
  const verb = action === 'DENY' ? 'denies' : 'allows';
  const about = `AuthorizationPolicy ${policy.name} rule[${rule}]`;
  const at = flaw.at === '' ? `spec.rules[${rule}]` : `spec.rules[${rule}].${flaw.at}`;
  const common = { level: 'warning', resource: resourceOf(policy), path: at } as const;
  switch (flaw.kind) {
    case 'value':
      return {
        ...common,
        code: 'PTL1330',
        message: `"${flaw.value}" in ${about} comes in no request`,
        ...expected(flaw.attribute),
        came: flaw.value,
        effect: 'the value matches nothing',
        next: 'correct the value, or remove it',
      };
    case 'alternative':
      return {
        ...common,
        code: 'PTL1331',
        message: `a part of ${about} matches no request: ${reasonText(flaw.why)}`,
        ...expected(flaw.why.attribute),
        effect: `this part ${verb} nothing`,
        next: 'correct it, or remove it',
      };
    case 'rule':
      return {
        ...common,
        code: 'PTL1332',
        message: `${about} matches no request: ${reasonText(flaw.why)}`,
        ...expected(flaw.why.attribute),
        effect: `the rule ${verb} nothing`,
        next: 'correct the rule, or remove it',
      };
    case 'covered': {
      const { rules, alone, action: its } = flaw.by;
      const names = rules
        .slice(0, 3)
        .map(({ namespace, name, rule: number }) => `${namespace}/${name} rule[${number}]`);
      const by = alone ? names.join() : `${names.join(', ')}${rules.length > 1 ? ' together' : ''}`;
      const isDenied = its !== action;
      return {
        ...common,
        code: isDenied ? 'PTL1334' : 'PTL1333',
        message: isDenied
          ? `${about} allows nothing: every request that it matches is denied by ${by}`
          : `${about} decides nothing by itself: every request that it matches is ${action === 'DENY' ? 'denied' : 'allowed'} by ${by} as well`,
        effect: isDenied ? 'the rule allows nothing' : 'no decision would be another without the rule',
        next: isDenied ? 'narrow the DENY rule, or remove this one' : 'remove the rule, or narrow the other one',
      };
    }
  }
}

/** None of its rules allows anything. (A policy without rules says so on purpose.) */
export const sayAllowsNothing = (policy: AuthzPolicy): Finding => ({
  code: 'PTL1336',
  level: 'warning',
  resource: resourceOf(policy),
  path: 'spec.rules',
  message: `ALLOW policy ${policy.name} allows nothing: none of its rules does`,
  effect: 'its targets deny every request that no other ALLOW policy allows',
  next: 'correct its rules; a policy that is to deny all has no rules',
});

const resourceOf = ({ namespace, name }: AuthzPolicy) => ({ kind: 'AuthorizationPolicy', namespace, name });

function reasonText({ places }: Reason): string {
  const [only, ...others] = places;
  if (only === undefined) return 'it asks for what no request there has';
  return others.length === 0 ? `no request has what ${only} asks for` : `${places.join(' and ')} exclude each other`;
}

/** What values an attribute has at all. */
function expected(attribute: string): { readonly expected?: string } {
  const text = POSSIBLE[attribute];
  return text === undefined ? {} : { expected: text };
}

const POSSIBLE: Readonly<Record<string, string>> = {
  identity: 'a caller of the trust domain: <trust domain>/ns/<namespace>/sa/<account>',
  path: 'a path as the default normalization leaves it: without "//", "/./", "/../" and "%2F"; a query is no part of it',
  method: 'a method of HTTP, such as GET',
  host: 'a host, such as reviews.bookinfo:9080',
  'destination.port': 'a port of the services that the policy is for',
  'destination.ip': 'an address of the services that the policy is for',
};

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'];

/** Methods are compared as they are written, and clients send capitals. */
export function lowerCaseMethods(policy: AuthzPolicy, rule: number): readonly Finding[] {
  return (policy.rules[rule]?.to ?? []).flatMap(({ methods }, at) =>
    (['any', 'none'] as const).flatMap((side) =>
      methods[side].flatMap((match, index): readonly Finding[] => {
        if (match.kind !== 'exact') return [];
        const upper = match.value.toUpperCase();
        if (match.value === upper || !METHODS.includes(upper)) return [];
        const field = side === 'any' ? 'methods' : 'notMethods';
        return [
          {
            code: 'PTL1335',
            level: 'warning',
            resource: resourceOf(policy),
            path: `spec.rules[${rule}].to[${at}].operation.${field}[${index}]`,
            message: `method "${match.value}" is not ${upper}: methods are compared as they are written`,
            expected: upper,
            came: match.value,
            effect: `requests with method ${upper} do not match it`,
            next: `write ${upper}`,
          },
        ];
      }),
    ),
  );
}
