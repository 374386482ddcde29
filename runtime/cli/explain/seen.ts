import { setTimeout as wait } from 'node:timers/promises';
import { API_VERSION, type Denial, type World } from '#admin/api.ts';
import type { AdminClient } from '#admin/client.ts';
import { authority } from '#envoy/names.ts';
import type { AuthzPolicySet } from '#model/authz.ts';
import type { PathNormalization } from '#model/path-normalization.ts';
import { headersAsked } from '#policy/authz/header-name.ts';
import type { Destination } from '../destination.ts';
import { EXIT, type Exit } from '../exit.ts';
import { Failure } from '../failure.ts';
import { jsonText, yamlText } from '../render/document.ts';
import { printable, type Style } from '../render/style.ts';
import { table } from '../render/table.ts';
import type { Terminal } from '../terminal.ts';
import { asked, runningPortolan } from '../world.ts';
import { explain, type Explanation } from './explanation.ts';
import { explanationText } from './text.ts';
import { policyText } from './words.ts';

/** Denials of the past: one by the id that its answer carried, the latest, or a list. */
export interface SeenQuery {
  readonly requestId?: string;
  readonly list: boolean;
  readonly state: string | undefined;
  readonly form: string;
}

/** Envoy writes its log once a second: an id that was just answered may still be on its way. */
const PATIENCE_MS = 2_500;
const LISTED = 20;

export async function explainSeen({ requestId, list, state, form }: SeenQuery, terminal: Terminal): Promise<Exit> {
  const client = await runningPortolan(state, terminal);
  if (list) {
    const denials = await asked(client.denials({ last: LISTED }));
    terminal.out(form === 'text' ? listText(denials, terminal.style.out) : document({ denials }, form));
    if (denials.length === 0 && form === 'text') terminal.err('no request was denied\n');
    return EXIT.ok;
  }
  const denial = await find(client, requestId);
  const [world, { process }] = await asked(Promise.all([client.world(), client.status()]));
  const seen = await seenOf(denial, world, process.pathNormalization);
  terminal.out(form === 'text' ? seenText(seen, terminal.style.out) : document(seen, form));
  return EXIT.ok;
}

const document = (value: object, form: string): string => {
  const whole = { apiVersion: API_VERSION, ...value };
  return form === 'yaml' ? yamlText(whole) : jsonText(whole);
};

async function find(client: AdminClient, requestId: string | undefined): Promise<Denial> {
  const query = requestId === undefined ? { last: 1 } : { requestId };
  const deadline = Date.now() + (requestId === undefined ? 0 : PATIENCE_MS);
  for (;;) {
    const [denial] = await asked(client.denials(query));
    if (denial !== undefined) return denial;
    if (Date.now() >= deadline) break;
    await wait(200);
  }
  throw new Failure(
    EXIT.failed,
    requestId === undefined ? 'no request was denied here' : `no denied request has the id ${requestId}`,
    {
      expected: 'a request that a policy of a waypoint here denied, among the last 2000',
      effect: 'a request that was allowed is not kept: its answer came from the application',
      next: 'portolan explain --list',
    },
  );
}

/** What was decided about a request, and what would be decided now. */
interface Seen {
  readonly request: Denial;
  readonly past: Past;
  /** Absent when no service has the address now (or it is that of a pod), or the caller had no identity. */
  readonly now?: Explanation;
  /** Headers that policies look at now, and of which no value was kept. */
  readonly notKept: readonly string[];
}

interface Past {
  readonly decision: 'DENY';
  readonly decidedBy?: { readonly namespace: string; readonly name: string; readonly rule: number };
}

async function seenOf(request: Denial, world: World, pathNormalization: PathNormalization | undefined): Promise<Seen> {
  const destination = destinationOf(request, world);
  const past = pastOf(request);
  if (destination === undefined || request.principal === undefined) return { request, past, notKept: [] };
  const { authz } = destination.port;
  const now = await explain(destination, {
    identity: request.principal,
    method: request.method,
    path: request.path,
    host: request.authority,
    headers: request.headers,
    sourceIp: request.source,
    pathNormalization,
  });
  return { request, past, now, notKept: missing(authz, request) };
}

const missing = (authz: AuthzPolicySet, { kept }: Denial): readonly string[] =>
  headersAsked([authz]).filter((name) => !kept.includes(name) && name !== 'host' && !name.startsWith(':'));

function destinationOf(denial: Denial, { model }: World): Destination | undefined {
  const waypoint = model.waypoints.find(({ namespace, name }) => `${namespace}/${name}` === denial.waypoint);
  const port = waypoint?.ports.find(({ addresses, port: number }) =>
    addresses.some((address) => authority(address, number) === denial.destination),
  );
  return waypoint && port && { waypoint, port, authority: denial.destination };
}

function pastOf({ details }: Denial): Past {
  const [, namespace, name, rule] = /ns\[(.*)\]-policy\[(.*)\]-rule\[(\d+)\]/.exec(details) ?? [];
  if (namespace === undefined || name === undefined) return { decision: 'DENY' };
  return { decision: 'DENY', decidedBy: { namespace, name, rule: Number(rule) } };
}

const pastText = ({ decidedBy }: Past): string =>
  decidedBy === undefined ? 'no rule allowed it' : `DENY ${policyText(decidedBy)}`;

function listText(denials: readonly Denial[], style: Style): string {
  if (denials.length === 0) return '';
  const rows = denials.map((denial) => [
    denial.time,
    printable(denial.requestId),
    printable(denial.principal ?? ''),
    printable(`${denial.method} http://${denial.authority}${denial.path}`),
    denial.waypoint,
    pastText(pastOf(denial)),
  ]);
  return table(['TIME', 'REQUEST-ID', 'CALLER', 'REQUEST', 'WAYPOINT', 'DENIED-BY'], rows, style);
}

function seenText({ request, past, now, notKept }: Seen, style: Style): string {
  const { requestId, time, status, durationMs, waypoint, method, authority: host, path } = request;
  const dim = (name: string): string => style.dim(name.padEnd(8));
  return [
    `${printable(`${method} http://${host}${path}`)}  at ${time}, answered ${status} in ${durationMs} ms by ${waypoint}\n`,
    `  ${dim('request')} ${printable(requestId)}\n`,
    `  ${dim('then')} ${printable(pastText(past))}\n`,
    `  ${dim('now')} ${now === undefined ? `no service here has the address ${request.destination}` : nowText(past, now)}\n`,
    ...notKept.map((name) => `  ${dim('unknown')} ${notKeptText(name)}\n`),
    now === undefined ? '' : `\n${explanationText(now, style)}`,
  ].join('');
}

function nowText(past: Past, { decision, authz }: Explanation): string {
  const by = authz.decidedBy;
  const isAlike = decision === 'DENY' && JSON.stringify(past.decidedBy) === JSON.stringify(by && ruleOf(by));
  if (isAlike) return 'the same';
  return decision === 'ALLOW'
    ? 'it would be allowed: policies, or what was not kept, differ'
    : 'denied for another reason';
}

const ruleOf = ({ namespace, name, rule }: NonNullable<Past['decidedBy']>) => ({ namespace, name, rule });

const notKeptText = (name: string): string =>
  `the value of ${name} is not kept: it may be secret, was too long, or no policy looked at it when the waypoint was started; below it counts as absent`;
