import type { AuthorizationPolicySpec } from './authorization-policy.ts';
import { validateCondition } from './authorization-policy-condition.ts';
import {
  error,
  validateAddresses,
  validatePorts,
  validateServiceAccounts,
  validateStars,
} from './authorization-policy-value.ts';
import { pathTemplateError } from './path-template.ts';
import { validateTargets } from './policy-target.ts';
import type { Report } from './schema/report.ts';

type Rule = AuthorizationPolicySpec['rules'][number];
type Source = Rule['from'][number]['source'];
type Operation = Rule['to'][number]['operation'];

/**
 * The demands of Istio's webhook on an AuthorizationPolicy that a schema cannot say (pkg/config/validation of Istio),
 * and what Envoy would refuse later.
 */
export function validateAuthorizationPolicy(spec: AuthorizationPolicySpec, report: Report): void {
  validateTargets(spec, { routes: true, namespaces: true }, report);
  validateAction(spec, report);
  spec.rules.forEach((rule, index) => {
    validateRule(rule, `rules[${index}]`, report);
    if (spec.action === 'CUSTOM') validateCustom(rule, `rules[${index}]`, report);
  });
}

function validateAction({ action, rules, provider }: AuthorizationPolicySpec, report: Report): void {
  if ((action === 'DENY' || action === 'CUSTOM') && rules.length === 0) {
    const next = 'add rules; an empty rule {} is for every request';
    error(report, 'PTL1318', 'rules', `action ${action} without rules never decides anything`, { next });
  }
  if (action === 'CUSTOM') {
    if (!provider?.name) error(report, 'PTL1317', 'provider.name', 'action CUSTOM needs provider.name');
  } else if (provider !== undefined) {
    error(report, 'PTL1317', 'provider', `provider does not go with action ${action}`);
  }
  if (action === 'AUDIT') {
    const message = 'action AUDIT is not supported by this version';
    report.add(
      { code: 'PTL1501', level: 'warning', message, effect: 'nothing is audited; no request is decided' },
      'action',
    );
  }
}

function validateRule({ from, to, when }: Rule, at: string, report: Report): void {
  from.forEach(({ source }, index) => validateSource(source, `${at}.from[${index}].source`, report));
  to.forEach(({ operation }, index) => validateOperation(operation, `${at}.to[${index}].operation`, report));
  when.forEach((condition, index) => validateCondition(condition, `${at}.when[${index}]`, report));
}

/** Istio lets CUSTOM rules ask for nothing that only the provider should judge: who the caller is. */
function validateCustom({ from, when }: Rule, at: string, report: Report): void {
  const wrong = (path: string, what: string): void =>
    error(report, 'PTL1322', path, `action CUSTOM does not go with ${what}`, {
      next: 'leave it to the provider, or say it in an ALLOW or DENY policy beside this one',
    });
  from.forEach(({ source }, index) => {
    for (const [field, values] of Object.entries(source)) {
      if (identityFields.has(field) && values.length > 0) wrong(`${at}.from[${index}].source.${field}`, field);
    }
  });
  when.forEach(({ key }, index) => {
    if (identityKeys.includes(key) || key.startsWith('request.auth.')) wrong(`${at}.when[${index}].key`, key);
  });
}

const identityFields: ReadonlySet<string> = new Set([
  'principals',
  'notPrincipals',
  'namespaces',
  'notNamespaces',
  'serviceAccounts',
  'notServiceAccounts',
  'trustDomains',
  'notTrustDomains',
  'requestPrincipals',
  'notRequestPrincipals',
]);
const identityKeys = ['source.principal', 'source.namespace', 'source.serviceAccount', 'source.trustDomain'];

function validateSource(source: Source, at: string, report: Report): void {
  validateNotEmpty(source, at, 'source', report);
  for (const field of ['ipBlocks', 'notIpBlocks', 'remoteIpBlocks', 'notRemoteIpBlocks'] as const) {
    validateAddresses(source[field], `${at}.${field}`, report);
  }
  for (const field of ['principals', 'notPrincipals', 'requestPrincipals', 'notRequestPrincipals'] as const) {
    validateStars(source[field], `${at}.${field}`, report);
  }
  for (const field of ['serviceAccounts', 'notServiceAccounts'] as const) {
    validateServiceAccounts(source[field], `${at}.${field}`, report);
  }
  const { principals, notPrincipals, namespaces, notNamespaces, serviceAccounts, notServiceAccounts } = source;
  const named = [principals, notPrincipals, namespaces, notNamespaces].some((values) => values.length > 0);
  if (named && serviceAccounts.length + notServiceAccounts.length > 0) {
    error(report, 'PTL1319', at, 'cannot set serviceAccounts with namespaces or principals', {
      expected: 'serviceAccounts alone, or namespaces and principals',
      next: 'write the namespace into serviceAccounts: namespace/account',
    });
  }
}

function validateOperation(operation: Operation, at: string, report: Report): void {
  validateNotEmpty(operation, at, 'operation', report);
  for (const field of ['ports', 'notPorts'] as const) validatePorts(operation[field], `${at}.${field}`, report);
  for (const field of ['hosts', 'notHosts', 'methods', 'notMethods'] as const) {
    validateStars(operation[field], `${at}.${field}`, report);
  }
  for (const field of ['paths', 'notPaths'] as const) validatePaths(operation[field], `${at}.${field}`, report);
}

/** What is empty in words would be everything in meaning. */
function validateNotEmpty(of: Source | Operation, at: string, name: string, report: Report): void {
  if (Object.values(of).some((values: readonly string[]) => values.length > 0)) return;
  error(report, 'PTL1311', at, `${name} must not be empty`, { next: `name what the ${name} must be, or remove it` });
}

function validatePaths(paths: readonly string[], at: string, report: Report): void {
  paths.forEach((path, index) => {
    const wrong = pathTemplateError(path);
    if (wrong !== undefined)
      error(report, 'PTL1312', `${at}[${index}]`, `path template "${path}": ${wrong}`, { came: path });
  });
  validateStars(
    paths.map((path) => path.replaceAll('{*}', '').replaceAll('{**}', '')),
    at,
    report,
  );
}
