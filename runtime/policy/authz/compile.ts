import { AUTHZ_ALLOWS, AUTHZ_BODY, AUTHZ_CLOSED, AUTHZ_FLAGS, AUTHZ_FORMAT, AUTHZ_SINGLE_LINES } from '#abi/authz.ts';
import { FEATURE_AUTHZ } from '#abi/program.ts';
import type { AuthzPolicySet } from '#model/authz.ts';
import { ProgramWriter } from '../writer.ts';
import { Attributes } from './attribute.ts';
import type { AuthzTarget } from './conjunct.ts';
import { customOf, providerRules } from './custom.ts';
import { indexRules, rulesOf } from './possible-rule.ts';
import { OTHER_ROUTES, otherRoutes } from './route-clause.ts';

export type { AuthzTarget } from './conjunct.ts';

/**
 * Compiles what decides about one service port to the program that the authorization filter runs (its layout is in
 * filters/abi/authz.ts). Undefined: there are no policies, and nothing to enforce. Deterministic. A closed set becomes a
 * program that denies everything.
 */
export function compileAuthz(set: AuthzPolicySet, target: AuthzTarget): Uint8Array<ArrayBuffer> | undefined {
  if (set.closed !== undefined) return closedProgram(set.closed);
  const { policies } = set;
  if (policies.length === 0) return undefined;
  const tcp = target.protocol === 'tcp';
  const attributes = new Attributes();
  // Nobody can be asked about a connection, so what a CUSTOM rule matches is denied.
  const deny = rulesOf(policies, ({ action }) => action === 'DENY' || (tcp && action === 'CUSTOM'), {
    action: 'DENY',
    target,
    attributes,
  });
  const context = { action: 'ALLOW', target, attributes } as const;
  const allow = [...rulesOf(policies, ({ action }) => action === 'ALLOW', context)];
  const others = otherRoutes(policies, context);
  if (others !== undefined) allow.push({ policy: policies.length, index: 0, factors: others });
  const asked = tcp ? [] : providerRules(policies, target, attributes);
  const allows = policies.some(({ action }) => action === 'ALLOW');
  const index = indexRules(attributes, [deny, allow, ...asked.map(({ rules }) => rules)]);
  const named = others === undefined ? policies : [...policies, OTHER_ROUTES];
  const flags = (allows ? AUTHZ_ALLOWS : 0) | (target.singleLines ? AUTHZ_SINGLE_LINES : 0);
  return index.write(named, flags, customOf(policies, asked));
}

function closedProgram(reason: string): Uint8Array<ArrayBuffer> {
  const writer = new ProgramWriter();
  writer.reserve(AUTHZ_BODY - writer.size);
  writer.setU32(AUTHZ_FLAGS, AUTHZ_CLOSED);
  writer.text(reason);
  return writer.finish(FEATURE_AUTHZ, AUTHZ_FORMAT, AUTHZ_CLOSED);
}
