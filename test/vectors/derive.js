// Derives istio-authz.json from the full vectors: `node test/vectors/derive.js FULL.json`. README.md says how and why.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCE = new Set(['principals', 'notPrincipals', 'namespaces', 'notNamespaces', 'ipBlocks', 'notIpBlocks']);
const OPERATION = new Set(['hosts', 'notHosts', 'methods', 'notMethods', 'paths', 'notPaths', 'ports', 'notPorts']);
const CONDITION = /^(request\.headers\[.+\]|source\.(ip|namespace|principal)|destination\.(ip|port))$/;

const known = (object, names) => Object.keys(object).every((name) => names.has(name));
const inert = ({ metadata, spec }) => spec.action === 'AUDIT' || metadata.annotations?.['istio.io/dry-run'] === 'true';
const isDeny = ({ spec }) => spec.action === 'DENY';

/** The rule without the alternatives that we do not support; undefined when nothing that can hold is left. */
function narrowed(rule) {
  if (!(rule.when ?? []).every(({ key }) => CONDITION.test(key))) return undefined;
  const from = rule.from?.filter(({ source }) => known(source, SOURCE));
  const to = rule.to?.filter(({ operation }) => known(operation, OPERATION));
  if (from?.length === 0 || to?.length === 0) return undefined;
  return { ...rule, ...(from && { from }), ...(to && { to }) };
}

const narrowedPolicy = (policy) => {
  const rules = (policy.spec.rules ?? []).map(narrowed).filter((rule) => rule !== undefined);
  return { ...policy, spec: { ...policy.spec, rules } };
};

const supported = (policy) =>
  JSON.stringify(narrowedPolicy(policy).spec.rules) === JSON.stringify(policy.spec.rules ?? []);

/**
 * Rules that did not hold can go: a request that was allowed held for no DENY rule, one that was denied held for no
 * ALLOW rule (or for a DENY rule, which stays). So each verdict needs only one of the two actions whole.
 */
function derived({ id, policies, requests }) {
  const live = policies.filter((policy) => !inert(policy));
  const parts = [];
  const take = (expect, whole, suffix) => {
    const kept = requests.filter((request) => request.expect === expect);
    if (kept.length === 0 || !live.filter(whole).every(supported)) return;
    const its = policies.map((policy) => (inert(policy) || whole(policy) ? policy : narrowedPolicy(policy)));
    parts.push({
      id: `${id}-${suffix}`,
      policies: its.filter((policy) => !inert(policy) || supported(policy)),
      requests: kept.map(request),
    });
  };
  if (live.every(supported)) return [{ id, policies, requests: requests.map(request) }];
  take('allow', (policy) => !isDeny(policy), 'allowed');
  take('deny', isDeny, 'denied');
  return parts;
}

/** What decides now; tokens and what is taken from them are of no use without the fields that ask for them. */
function request({ method, host, path, headers, srcIp, dstIp, dstPort, principal, expect, tags }) {
  const kept = tags.filter((tag) => !['jwt', 'remote-ip'].includes(tag));
  return { method, host, path, headers, srcIp, dstIp, dstPort, ...(principal && { principal }), expect, tags: kept };
}

const full = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const sets = full.sets.flatMap(derived);
const count = (list) => list.reduce((sum, { requests }) => sum + requests.length, 0);
const about = `${full.about}; derived: ${sets.length} sets with ${count(sets)} requests of ${full.sets.length} with ${count(full.sets)}`;
writeFileSync(join(import.meta.dirname, 'istio-authz.json'), `${JSON.stringify({ about, sets }, null, 1)}\n`);
console.log(about);
