import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuthzPolicy, AuthzPolicySet, AuthzRequest } from '#model/authz.ts';
import type { MetadataMap } from '#model/metadata.ts';
import { tokenMetadata } from '#policy/authz/token.ts';
import type { AuthorizationPolicy } from '#resources/authorization-policy.ts';
import { readPolicy } from '#translate/authorization-policy.ts';

/** A set of policies as the model has it, and requests with Istio's verdicts. */
export interface VectorSet {
  readonly id: string;
  readonly set: AuthzPolicySet;
  readonly requests: readonly VectorRequest[];
}

export interface VectorRequest {
  readonly request: AuthzRequest;
  readonly allowed: boolean;
  /** As sent: in the request it is as Envoy normalizes it. */
  readonly path: string;
  readonly tags: readonly string[];
}

interface WrittenPolicy {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly annotations?: Record<string, string>;
  };
  readonly spec: { readonly action?: string; readonly rules?: readonly WrittenRule[] };
}

interface WrittenRule {
  readonly from?: readonly { readonly source: object }[];
  readonly to?: readonly { readonly operation: object }[];
  readonly when?: readonly object[];
}

interface WrittenRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly srcIp: string;
  readonly dstIp: string;
  readonly dstPort: number;
  readonly principal?: string;
  /** Of the token that the request carries, verified. */
  readonly claims?: MetadataMap;
  /** X-Forwarded-For. */
  readonly xff?: string;
  readonly expect: 'allow' | 'deny';
  readonly tags: readonly string[];
}

interface WrittenSets {
  readonly sets: readonly {
    readonly id: string;
    readonly policies: readonly WrittenPolicy[];
    readonly requests: readonly WrittenRequest[];
  }[];
}

/** Reads istio-authz.json: what decides of every set, in the order of evaluation. */
export function istioVectors(): readonly VectorSet[] {
  const text = readFileSync(join(import.meta.dirname, 'istio-authz.json'), 'utf8');
  return (JSON.parse(text) as WrittenSets).sets.map(({ id, policies, requests }) => {
    const enforced = policies.flatMap((policy) => enforcedPolicy(policy));
    const order = (policy: AuthzPolicy): string =>
      `${policy.action === 'DENY' ? 0 : 1} ${policy.namespace} ${policy.name}`;
    const sorted = enforced.sort((a, b) => (order(a) < order(b) ? -1 : 1));
    return { id, set: { policies: sorted }, requests: requests.map(vectorRequest) };
  });
}

function enforcedPolicy(written: WrittenPolicy): AuthzPolicy[] {
  const { enforcement } = readPolicy(withDefaults(written), ['cluster.local']);
  switch (enforcement.kind) {
    case 'enforce':
      return [enforcement.policy];
    case 'ignore':
      return [];
    case 'close':
      throw new Error(`${written.metadata.name} cannot be enforced: ${enforcement.reason}`);
  }
}

const SOURCE = 'principals namespaces ipBlocks requestPrincipals remoteIpBlocks serviceAccounts trustDomains';

/** What the schema fills in when it reads a policy. */
function withDefaults({ metadata, spec }: WrittenPolicy): AuthorizationPolicy {
  const listed = (names: string, object: object): object => ({
    ...Object.fromEntries(
      names.split(' ').flatMap((name) => [
        [name, []],
        [`not${name[0]?.toUpperCase()}${name.slice(1)}`, []],
      ]),
    ),
    ...object,
  });
  const rules = (spec.rules ?? []).map((rule) => ({
    from: (rule.from ?? []).map(({ source }) => ({ source: listed(SOURCE, source) })),
    to: (rule.to ?? []).map(({ operation }) => ({ operation: listed('hosts methods paths ports', operation) })),
    when: (rule.when ?? []).map((condition) => ({ ...listed('values', {}), ...condition })),
  }));
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { labels: {}, annotations: {}, creationTimestamp: '', ...metadata },
    spec: { action: spec.action ?? 'ALLOW', rules, targetRefs: [] },
  } as unknown as AuthorizationPolicy;
}

function vectorRequest(written: WrittenRequest): VectorRequest {
  const { method, host, headers, srcIp, dstIp, dstPort, principal, claims, xff, expect, tags } = written;
  const request = {
    ...(principal !== undefined && { principal }),
    ...(claims !== undefined && { metadata: tokenMetadata(claims) }),
    sourceIp: srcIp,
    ...(xff !== undefined && { remoteIp: xff.split(',').at(-1)?.trim() ?? '' }),
    destinationIp: dstIp,
    destinationPort: dstPort,
    host,
    method,
    path: normalizedPath(written.path),
    headers: Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const),
  };
  return { request, allowed: expect === 'allow', path: written.path, tags };
}

/**
 * A path as Envoy's `normalize_path` makes it (RFC 3986, 6.2.2): escapes of unreserved characters are undone, dot
 * segments resolved; slashes are neither merged nor unescaped. The query stays as it is.
 */
function normalizedPath(path: string): string {
  const mark = path.indexOf('?');
  const query = mark < 0 ? '' : path.slice(mark);
  const plain = (mark < 0 ? path : path.slice(0, mark)).replace(/%([0-9a-f]{2})/gi, (escape, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[\w.~-]/.test(character) ? character : escape.toUpperCase();
  });
  const kept: string[] = [];
  const segments = plain.replaceAll('\\', '/').split('/').slice(1);
  for (const [index, segment] of segments.entries()) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
    if ((segment === '.' || segment === '..') && index === segments.length - 1) kept.push('');
  }
  return `/${kept.join('/')}${query}`;
}
