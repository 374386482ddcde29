import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeMetadataValue } from '#host/metadata.ts';
import type { AuthzDecision, AuthzPolicySet, AuthzRequest } from '#model/authz.ts';
import { TOKEN_FILTER, TOKEN_PAYLOAD } from '#model/metadata.ts';
import { decide } from '#policy/authz/reference.ts';
import { Dice } from '../vectors/dice.ts';
import { asReceived, decidingRule } from '../vectors/filter.ts';
import { type Case, generateCase } from '../vectors/generate.ts';
import { ROUTES } from '../vectors/pools.ts';
import { OTHER_FILTER, OTHER_KEY } from '../vectors/token.ts';
import { rbac } from '../vectors/rbac.ts';
import { RealEnvoy } from './real-envoy.ts';

// Random policies and requests through stock Envoy's own RBAC, shaped as Istio shapes it, and through the reference:
// what the reference says a policy means must be what Envoy makes of it. PORTOLAN_SEED repeats a run.

const SEED = Number(process.env.PORTOLAN_SEED ?? Date.now() % 1_000_000_000);
const CASES = 400;
const REQUESTS = 25;
const AT_ONCE = 16;

/** Metadata comes as a header that Envoy's header_to_metadata filter decodes: jwt_authn would need a signature for each. */
const METADATA = [
  { header: 'x-payload', filter: TOKEN_FILTER, key: TOKEN_PAYLOAD },
  { header: 'x-other', filter: OTHER_FILTER, key: OTHER_KEY },
];

const FILTER = 'type.googleapis.com/envoy.extensions.filters';

let envoy: RealEnvoy;
let port: number;
const cases: readonly Case[] = Array.from({ length: CASES }, (_, number) =>
  generateCase(new Dice(SEED + number), REQUESTS, { odd: false, most: 40 }),
);

beforeAll(async () => {
  envoy = await RealEnvoy.start(bootstrap());
  port = await envoy.port('main');
});

afterAll(async () => {
  await envoy?.stop();
});

test(`the reference decides as Envoy's RBAC does: ${CASES * REQUESTS} pairs, seed ${SEED}`, async () => {
  const pairs = cases.flatMap((made, number) =>
    made.requests.map((request) => ({ made, number, request: onTheWire(request) })),
  );
  let at = 0;
  let denied = 0;
  const wrong: object[] = [];
  const work = async (): Promise<void> => {
    for (let pair = pairs[at++]; pair; pair = pairs[at++]) {
      const { made, number, request } = pair;
      const expected = decide(made.set, asReceived(request), { protocol: 'http' });
      const came = await inEnvoy(number, request);
      denied += came.allowed ? 0 : 1;
      if (!alike(came, expected, made.set)) wrong.push({ envoy: came, reference: expected, request, set: made.set });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  expect(wrong.slice(0, 2), `${wrong.length} of ${pairs.length} differ; PORTOLAN_SEED=${SEED}`).toEqual([]);
  expect(denied / pairs.length).toBeGreaterThan(0.2);
  expect(denied / pairs.length).toBeLessThan(0.8);
});

/** Envoy takes a DENY filter's rules in the order of their names as texts: ours, as long as no policy has ten. */
function alike(came: AuthzDecision, expected: AuthzDecision, set: AuthzPolicySet): boolean {
  if (came.allowed || expected.allowed) return came.allowed === expected.allowed;
  if (set.policies.some(({ rules }) => rules.length >= 10)) return !came.policy === !expected.policy;
  return JSON.stringify(came.policy) === JSON.stringify(expected.policy);
}

const isSix = (address: string): boolean => address.includes(':');

/**
 * The request as a wire can carry it: PROXY protocol has one family for both ends, HTTP/1.1 no blanks around a value.
 * Without path parameters, which Envoy's rules have no other spelling of.
 */
function onTheWire(sent: AuthzRequest): AuthzRequest {
  const request = { ...sent, path: sent.path.replace(/;|%3b/gi, '') };
  const { sourceIp, destinationIp } = request;
  const headers = request.headers.map(([name, value]) => [name, value.replace(/^[ \t]+|[ \t]+$/g, '')] as const);
  if (isSix(sourceIp) === isSix(destinationIp)) return { ...request, headers };
  return { ...request, headers, sourceIp: isSix(destinationIp) ? '2001:db8::1' : '10.0.0.1' };
}

/** Says to Envoy by PROXY protocol whence and whereto, and by headers who and under which set. */
function inEnvoy(number: number, request: AuthzRequest): Promise<AuthzDecision> {
  const { sourceIp, destinationIp, destinationPort, principal } = request;
  const lines = [
    `PROXY TCP${isSix(destinationIp) ? 6 : 4} ${sourceIp} ${destinationIp} 41234 ${destinationPort}`,
    `${request.method} ${request.path} HTTP/1.1`,
    `host: ${request.host}`,
    `x-set: ${number}`,
    `x-route: ${request.route ?? ''}`,
    ...(principal === undefined ? [] : [`x-principal: ${principal}`]),
    ...METADATA.flatMap(({ header, filter, key }) => {
      const value = request.metadata?.[filter]?.[key];
      return value === undefined ? [] : [`${header}: ${Buffer.from(encodeMetadataValue(value)).toString('base64')}`];
    }),
    ...request.headers.map(([name, value]) => `${name}: ${value}`),
    'connection: close',
    '',
    '',
  ];
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(lines.join('\r\n'), 'latin1'));
    let text = '';
    socket.setTimeout(10_000, () => socket.destroy(new Error('Envoy did not answer')));
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      const status = Number(text.split(' ', 2)[1]);
      const details = /^x-details: (.*)$/m.exec(text)?.[1]?.trim() ?? '';
      const policy = decidingRule(details);
      if (status === 200) resolve({ allowed: true });
      else if (status === 403) resolve({ allowed: false, ...(policy && { policy }) });
      else reject(new Error(`expected 200 or 403, came ${JSON.stringify(text)} for ${JSON.stringify(request)}`));
      socket.destroy();
    });
  });
}

function bootstrap(): Record<string, unknown> {
  const manager = {
    '@type': `${FILTER}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'rbac',
    generate_request_id: false,
    route_config: {
      virtual_hosts: [{ name: 'all', domains: ['*'], routes: cases.flatMap(({ set }, number) => routes(set, number)) }],
    },
    local_reply_config: {
      mappers: [
        {
          filter: {
            status_code_filter: { comparison: { op: 'EQ', value: { default_value: 403, runtime_key: 'unused' } } },
          },
          headers_to_add: [{ header: { key: 'x-details', value: '%RESPONSE_CODE_DETAILS%' } }],
        },
      ],
    },
    http_filters: [
      {
        name: 'principal',
        typed_config: {
          '@type': `${FILTER}.http.set_filter_state.v3.Config`,
          on_request_headers: [
            {
              object_key: 'io.istio.peer_principal',
              factory_key: 'envoy.hashable_string',
              format_string: { text_format_source: { inline_string: '%REQ(X-PRINCIPAL)%' }, omit_empty_values: true },
              skip_if_empty: true,
            },
          ],
        },
      },
      {
        name: 'metadata',
        typed_config: {
          '@type': `${FILTER}.http.header_to_metadata.v3.Config`,
          request_rules: METADATA.map(({ header, filter, key }) => ({
            header,
            on_header_present: { metadata_namespace: filter, key, type: 'PROTOBUF_VALUE', encode: 'BASE64' },
            remove: true,
          })),
        },
      },
      { name: 'deny', typed_config: { '@type': `${FILTER}.http.rbac.v3.RBAC` } },
      { name: 'allow', typed_config: { '@type': `${FILTER}.http.rbac.v3.RBAC` } },
      { name: 'router', typed_config: { '@type': `${FILTER}.http.router.v3.Router` } },
    ],
  };
  const proxyProtocol = { '@type': `${FILTER}.listener.proxy_protocol.v3.ProxyProtocol` };
  return {
    node: { id: 'rbac', cluster: 'rbac' },
    static_resources: {
      listeners: [
        {
          name: 'main',
          address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
          listener_filters: [{ name: 'proxy', typed_config: proxyProtocol }],
          filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
        },
      ],
    },
  };
}

/** One route would do where no policy tells them apart. */
const routes = (set: AuthzPolicySet, number: number): object[] =>
  set.policies.some((policy) => policy.routes !== undefined)
    ? ROUTES.map((name) => route(set, number, [header('x-route', name)], name))
    : [route(set, number)];

const header = (name: string, exact: string): object => ({ name, string_match: { exact } });

function route(set: AuthzPolicySet, number: number, more: readonly object[] = [], name?: string): object {
  const perRoute = (['DENY', 'ALLOW'] as const).flatMap((action) => {
    const rules = rbac(set, action, name);
    const config = { '@type': `${FILTER}.http.rbac.v3.RBACPerRoute`, rbac: rules };
    return rules ? [[action.toLowerCase(), config] as const] : [];
  });
  return {
    match: { prefix: '/', headers: [header('x-set', String(number)), ...more] },
    direct_response: { status: 200 },
    typed_per_filter_config: Object.fromEntries(perRoute),
  };
}
