import { explain } from '#cli/explain/explanation.ts';
import { policyText } from '#cli/explain/words.ts';
import { identityOf, shortIdentity } from '#cli/identity.ts';
import { bars, percent } from '#cli/render/bar.ts';
import { table } from '#cli/render/table.ts';
import type { MeshResponse } from '#cli/request.ts';
import type { Terminal } from '#cli/terminal.ts';
import type { Call, Caller } from './caller.ts';
import type { RunningMesh } from './demo.ts';
import { samples } from './prometheus.ts';

export interface Stage {
  readonly mesh: RunningMesh;
  readonly caller: Caller;
  readonly terminal: Terminal;
}

const PRODUCTPAGE = 'http://productpage.bookinfo:9080/productpage';
const REVIEWS = 'http://reviews.bookinfo:9080/reviews/0';
const RATINGS = 'http://ratings.bookinfo:9080/ratings/0';

/** A step prints what it sees, and gives what was not as the files say. */
type Step = (stage: Stage) => Promise<readonly string[]>;

export const services: Step = async ({ mesh, terminal }) => {
  const waypoints = mesh.running.world().model.waypoints;
  const rows = waypoints.flatMap(({ ports, backends, trustDomain }) =>
    ports.map(({ service, port, addresses, backend }) => {
      const endpoints = backends.find(({ name }) => name === backend)?.endpoints ?? [];
      const unique = (values: readonly string[]): string => [...new Set(values)].sort().join(' ');
      return [
        `${service.name}.${service.namespace}`,
        `${addresses[0]}:${port}`,
        unique(endpoints.map(({ workload }) => workload.version)),
        unique(endpoints.map(({ identity }) => shortIdentity(identity, trustDomain))),
        endpoints
          .map(({ address, port: number, tunnel }) => `${address}:${number}${tunnel === 'hbone' ? '' : ' (plain)'}`)
          .join(' '),
      ];
    }),
  );
  terminal.out(indent(table(['SERVICE', 'VIP', 'VERSIONS', 'IDENTITY', 'ENDPOINTS'], rows, terminal.style.out)));
  for (const { namespace, name, address, identity, page } of mesh.running.waypoints()) {
    const metricsAt = page === undefined ? '' : `, metrics at ${page}/stats/prometheus`;
    terminal.out(
      `  waypoint ${namespace}/${name}: HBONE at ${address.host}:${address.port} as ${identity}${metricsAt}\n`,
    );
  }
  return rows.length === 0 ? ['no service is behind a waypoint'] : [];
};

export const allowed: Step = async (stage) => {
  const response = await show(stage, { as: 'default/curl', url: PRODUCTPAGE });
  const [, title] = /<h1>(.*?)<\/h1>/.exec(text(response)) ?? [];
  if (title !== undefined)
    stage.terminal.out(`    the page of "${title}", with details and reviews from their services\n`);
  return expectStatus(response, 200).concat(
    text(response).includes('not available') ? ['a part of the page is missing'] : [],
  );
};

export const denied: Step = async (stage) => {
  const calls: readonly Call[] = [
    { as: 'default/curl', method: 'POST', url: PRODUCTPAGE },
    { as: 'bookinfo/ratings', url: REVIEWS },
  ];
  const wrong: string[] = [];
  for (const call of calls) {
    const response = await show(stage, call);
    wrong.push(...expectStatus(response, 403));
    stage.terminal.out(`    ${text(response).trim()}: ${await reason(stage, call)}\n`);
    const { method = 'GET' } = call;
    stage.terminal.out(`    why: ${stage.mesh.command} explain --as ${call.as} ${method} ${call.url}\n`);
  }
  return wrong;
};

/** The policy that said so, from the filter's own program. */
async function reason({ mesh, caller }: Stage, { as, method = 'GET', url }: Call): Promise<string> {
  const destination = caller.destination(url);
  const { pathname, host } = new URL(url);
  const identity = identityOf(as, destination.waypoint.trustDomain);
  const { pathNormalization } = mesh.running.process();
  const request = { identity, method, path: pathname, host, headers: [], pathNormalization };
  const { authz } = await explain(destination, request);
  if (authz.decidedBy !== undefined) return `${authz.decidedBy.action} ${policyText(authz.decidedBy)}`;
  if (authz.nearest === undefined) return 'no rule allows it';
  return `no rule allows it; nearest is ${policyText(authz.nearest)}, which misses ${authz.nearest.missed.join(', ')}`;
}

const SPLIT_REQUESTS = 200;
const AT_ONCE = 8;

export const split: Step = async (stage) => {
  const { caller, terminal } = stage;
  const { waypoint, port } = caller.destination(REVIEWS);
  const route = port.routes.find(({ action }) => action.kind === 'forward' && action.backends.length > 1);
  if (route?.action.kind !== 'forward') return ['no route of reviews splits'];
  const total = route.action.backends.reduce((sum, { weight }) => sum + weight, 0);
  const expected = route.action.backends.map(({ backend, weight }) => ({
    version: waypoint.backends.find(({ name }) => name === backend)?.endpoints[0]?.workload.version ?? '?',
    share: weight / total,
  }));

  const counts = new Map<string, number>();
  let left = SPLIT_REQUESTS;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const { status, headers } = await caller.send({ as: 'bookinfo/productpage', url: REVIEWS });
      const key = status === 200 ? String(headers['x-served-by']) : `status ${status}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));

  terminal.out(`  ${SPLIT_REQUESTS} requests as bookinfo/productpage to ${REVIEWS}\n`);
  const wanted = expected.map(({ version, share }) => ({ label: `reviews-${version}`, expected: share }));
  const others = [...counts.keys()].filter((label) => !wanted.some((one) => one.label === label));
  const all = [...wanted, ...others.map((label) => ({ label, expected: 0 }))];
  const data = all.map((one) => ({ ...one, count: counts.get(one.label) ?? 0 }));
  terminal.out(bars(data, terminal.columns, terminal.style.out));
  return data.flatMap(({ label, count, expected: share }) => {
    // Four standard deviations of a fair draw: one run in 16,000 is outside by chance.
    const room = 4 * Math.sqrt(SPLIT_REQUESTS * share * (1 - share));
    const off = Math.abs(count - SPLIT_REQUESTS * share);
    return off <= room ? [] : [`${label} answered ${count} of ${SPLIT_REQUESTS}, configured ${percent(share)}`];
  });
};

export const faults: Step = async (stage) => {
  const as = 'bookinfo/reviews';
  const plain = await show(stage, { as, url: RATINGS });
  const aborted = await show(stage, { as, url: RATINGS, headers: [['end-user', 'jason']] });
  stage.terminal.out(`    ${text(aborted).trim()}\n`);
  const delayed = await show(stage, { as, url: RATINGS, headers: [['end-user', 'anna']] });
  const { port } = stage.caller.destination(RATINGS);
  const delayMs = Math.max(0, ...port.routes.map(({ fault }) => fault?.delay?.fixedMs ?? 0));
  stage.terminal.out(`    ${Math.round(delayed.durationMs)} ms; the delay of ${delayMs} ms holds up nobody else\n`);
  return [
    ...expectStatus(plain, 200),
    ...expectStatus(aborted, 500),
    ...expectStatus(delayed, 200),
    ...(delayed.durationMs >= delayMs ? [] : [`a delay of ${delayMs} ms, came ${Math.round(delayed.durationMs)} ms`]),
  ];
};

/** Labels that are shown of the 25; the page has them all. */
const SHOWN = ['source_principal', 'destination_service_name', 'destination_version', 'response_code'];

export const metrics: Step = async ({ mesh, terminal }) => {
  const requests = samples(await mesh.metrics(), 'istio_requests_total').filter(
    ({ labels }) => labels['reporter'] === 'waypoint',
  );
  const wanted: { destination_service_name: string; response_code: string; source_app?: string }[] = [
    { destination_service_name: 'productpage', response_code: '200' },
    { destination_service_name: 'productpage', response_code: '403' },
    // Known from the baggage of productpage's tunnels.
    { destination_service_name: 'reviews', response_code: '200', source_app: 'productpage' },
    { destination_service_name: 'ratings', response_code: '500' },
  ];
  const wrong: string[] = [];
  for (const labels of wanted) {
    const found = requests.filter((sample) =>
      Object.entries(labels).every(([name, value]) => sample.labels[name] === value),
    );
    if (found.length === 0)
      wrong.push(`no istio_requests_total of ${labels.destination_service_name} with ${labels.response_code}`);
    for (const { labels: all, value } of found.slice(0, 2)) {
      const shown = SHOWN.map((name) => `${name}="${all[name] ?? ''}"`).join(',');
      terminal.out(`  istio_requests_total{reporter="waypoint",${shown},…} ${value}\n`);
    }
  }
  return wrong;
};

/** Sends a request and prints it as the command that would send it, with what came. */
async function show({ mesh, caller, terminal }: Stage, call: Call): Promise<MeshResponse> {
  const { as, method = 'GET', url, headers = [] } = call;
  const response = await caller.send(call);
  const { out } = terminal.style;
  const flags = [
    ...(method === 'GET' ? [] : [`-X ${method}`]),
    ...headers.map(([name, value]) => `-H '${name}: ${value}'`),
  ];
  terminal.out(`  ${out.dim(`$ ${[mesh.command, 'curl', `--as ${as}`, ...flags, url].join(' ')}`)}\n`);
  const paint = response.status < 400 ? out.green : out.red;
  terminal.out(`    ${paint(`${response.status} ${response.statusText}`)}\n`);
  return response;
}

const text = ({ body }: MeshResponse): string => body.toString('utf8');

const expectStatus = ({ status }: MeshResponse, expected: number): string[] =>
  status === expected ? [] : [`expected status ${expected}, came ${status}`];

const indent = (lines: string): string => lines.replace(/^(?=.)/gm, '  ');
