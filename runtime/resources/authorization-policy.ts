import { validateAuthorizationPolicy } from './authorization-policy-validation.ts';
import type { KindDefinition } from './kind.ts';
import { policyTargetFields } from './policy-target.ts';
import type { Resource } from './resource.ts';
import * as s from './schema.ts';

const values = s.list(s.string({ min: 1 }));
/** `account` of the policy's own namespace, or `namespace/account`. */
const accounts = s.list(s.string({ min: 1, max: 320 }), { max: 16 });

const source = s.object({
  principals: values,
  notPrincipals: values,
  namespaces: values,
  notNamespaces: values,
  ipBlocks: values,
  notIpBlocks: values,
  requestPrincipals: values,
  notRequestPrincipals: values,
  remoteIpBlocks: values,
  notRemoteIpBlocks: values,
  serviceAccounts: accounts,
  notServiceAccounts: accounts,
  trustDomains: values,
  notTrustDomains: values,
});

const operation = s.object({
  hosts: values,
  notHosts: values,
  methods: values,
  notMethods: values,
  paths: values,
  notPaths: values,
  /** Texts in the API: `"8080"`. */
  ports: values,
  notPorts: values,
});

const condition = s.object({ key: s.required(s.string({ min: 1 })), values, notValues: values });

const rule = s.object({
  from: s.list(s.object({ source: s.required(source) }), { min: 1, max: 512 }),
  to: s.list(s.object({ operation: s.required(operation) }), { min: 1 }),
  when: s.list(condition),
});

const spec = s.object({
  ...policyTargetFields,
  action: s.withDefault(s.enumeration('ALLOW', 'DENY', 'AUDIT', 'CUSTOM'), 'ALLOW'),
  /** Absent or empty: matches nothing. */
  rules: s.list(rule, { max: 512 }),
  provider: s.object({ name: s.string() }),
});

/** `action` AUDIT gets here, and decides nothing. */
export type AuthorizationPolicy = Resource<'AuthorizationPolicy', s.Infer<typeof spec>>;

export const authorizationPolicy = {
  kind: 'AuthorizationPolicy',
  group: 'security.istio.io',
  versions: ['v1', 'v1beta1'],
  namespaced: true,
  name: 'subdomain',
  body: s.object({
    spec: s.withDefault(s.check(spec, validateAuthorizationPolicy), { action: 'ALLOW', rules: [], targetRefs: [] }),
    status: s.ignored(),
  }),
} satisfies KindDefinition<'AuthorizationPolicy'>;

export type AuthorizationPolicySpec = s.Infer<typeof spec>;
