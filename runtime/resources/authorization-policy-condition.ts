import type { AuthorizationPolicySpec } from './authorization-policy.ts';
import {
  error,
  validateAddresses,
  validatePorts,
  validateServiceAccounts,
  validateStars,
} from './authorization-policy-value.ts';
import { conditionKeys, readConditionKey } from './condition-key.ts';
import type { Report } from './schema/report.ts';

type Condition = AuthorizationPolicySpec['rules'][number]['when'][number];

/** So deep may claims lie within each other: what is looked for in a token must end somewhere. */
const CLAIM_DEPTH = 14;

/** The demands of Istio's webhook on one condition of `when`. */
export function validateCondition({ key, values, notValues }: Condition, at: string, report: Report): void {
  if (values.length === 0 && notValues.length === 0) {
    error(report, 'PTL1311', at, `condition "${key}" needs values or notValues`, { next: 'add values' });
    return;
  }
  const known = readConditionKey(key);
  if (known === undefined) return unknownKey(key, at, report);
  if (known.kind === 'claim' && known.claim.length > CLAIM_DEPTH) {
    const expected = `${CLAIM_DEPTH} names at most`;
    error(report, 'PTL1315', `${at}.key`, `condition "${key}" lies too deep in the token`, { expected, came: key });
  }
  for (const [field, list] of [
    ['values', values],
    ['notValues', notValues],
  ] as const) {
    validateValues(known.kind === 'plain' ? known.key : 'text', list, `${at}.${field}`, report);
  }
}

function validateValues(key: string, values: readonly string[], at: string, report: Report): void {
  switch (key) {
    case 'source.ip':
    case 'remote.ip':
    case 'destination.ip':
      return validateAddresses(values, at, report);
    case 'destination.port':
      return validatePorts(values, at, report);
    case 'source.serviceAccount':
      return validateServiceAccounts(values, at, report);
    // In these a star is a wildcard wherever it stands.
    case 'source.namespace':
    case 'source.trustDomain':
      return;
    default:
      return validateStars(values, at, report);
  }
}

/** In the words of Istio's webhook, and what there is instead. */
function unknownKey(key: string, at: string, report: Report): void {
  const bracketed = ['request.headers', 'request.auth.claims', 'experimental.envoy.filters.'];
  const message = bracketed.some((prefix) => key.startsWith(prefix))
    ? `bad key (${key}): should have format a[b]`
    : key === 'destination.namespace'
      ? `attribute ${key} is replaced by the metadata.namespace`
      : key.startsWith('destination.labels')
        ? `attribute ${key} is replaced by the workload selector`
        : key === 'destination.name' || key === 'destination.user'
          ? `deprecated attribute ${key}: only supported in v1alpha1`
          : `unknown attribute: ${key}`;
  error(report, 'PTL1315', `${at}.key`, message, { expected: `one of ${conditionKeys.join(', ')}`, came: key });
}
