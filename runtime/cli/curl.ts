import { readFile, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { API_VERSION, type World } from '#admin/api.ts';
import type { AdminClient } from '#admin/client.ts';
import { createHboneClient } from '#hbone/client.ts';
import { HboneError } from '#hbone/error.ts';
import type { HboneTls } from '#hbone/tls.ts';
import type { SpiffeId } from '#model/identity.ts';
import { DEFAULT_PATH_NORMALIZATION, type PathNormalization } from '#model/path-normalization.ts';
import { baggageOf } from './baggage.ts';
import type { RunOf, Values } from './command.ts';
import type { curl } from './commands/curl.ts';
import { destinationOf, hostOf, meshUrl, portOf, type Destination } from './destination.ts';
import { durationOf } from './duration.ts';
import { EXIT } from './exit.ts';
import { oneLine } from './explain/line.ts';
import { Failure, usage } from './failure.ts';
import { headerOf } from './header.ts';
import { identityOf } from './identity.ts';
import { jsonText } from './render/document.ts';
import { printable } from './render/style.ts';
import { NoAnswer, openMesh, type MeshEntry, type MeshRequest, type MeshResponse } from './request.ts';
import type { Terminal } from './terminal.ts';
import { asked, readWorld, runningPortolan } from './world.ts';

type Flags = Values<typeof curl.flags>;

export const run: RunOf<typeof curl> = async ({ values, positionals, terminal }) => {
  const [text, ...more] = positionals;
  if (text === undefined || more.length > 0) {
    throw usage('curl needs one URL', { next: 'portolan curl --as NAMESPACE/ACCOUNT http://SERVICE.NAMESPACE:PORT/' });
  }
  const url = meshUrl(text);
  const request = await requestOf(url, values, terminal);
  const target = await targetOf(url, values, terminal);
  const response = await exchange(target.entry, request);

  const isFailure = values.fail && response.status >= 400;
  if (values.json) terminal.out(jsonText(await asJson(target, request, response)));
  else {
    if (values.include) terminal.out(headText(response));
    if (!isFailure) await writeBody(response, values.output, terminal);
    if (!values.silent && !terminal.quiet) {
      // The body is given as it came; on a terminal the next line must not continue its last one.
      const isOpen = terminal.redraws && response.body.length > 0 && response.body.at(-1) !== 0x0a;
      terminal.err(`${isOpen ? '\n' : ''}${await happened(target, request, response, terminal)}`);
    }
  }
  return isFailure ? EXIT.found : EXIT.ok;
};

async function requestOf(url: URL, values: Flags, terminal: Terminal): Promise<MeshRequest> {
  const headers = values.header.map(headerOf);
  const has = (name: string): boolean => headers.some(([one]) => one.toLowerCase() === name);
  const isForm = values.data.length > 0;
  const body = isForm ? (await Promise.all(values.data.map((data) => dataOf(data, terminal)))).join('&') : undefined;
  return {
    method: values.request ?? (isForm ? 'POST' : 'GET'),
    path: `${url.pathname}${url.search}`,
    host: url.host,
    headers: [
      ...(has('user-agent') ? [] : [['user-agent', 'portolan-curl'] as const]),
      ...(has('accept') ? [] : [['accept', '*/*'] as const]),
      ...(isForm && !has('content-type') ? [['content-type', 'application/x-www-form-urlencoded'] as const] : []),
      ...headers,
    ],
    ...(body === undefined ? {} : { body }),
    timeoutMs: durationOf('--max-time', values['max-time']),
  };
}

async function dataOf(data: string, terminal: Terminal): Promise<string> {
  if (!data.startsWith('@')) return data;
  return data === '@-' ? await terminal.readInput() : await readFile(data.slice(1), 'utf8');
}

interface Target {
  readonly identity: SpiffeId | undefined;
  readonly entry: MeshEntry;
  /** `bookinfo/waypoint`, or its address when nothing more is known. */
  readonly via: string;
  /** Known when a model is: then what happened can be explained. */
  readonly destination: Destination | undefined;
  readonly pathNormalization: PathNormalization;
}

async function targetOf(url: URL, values: Flags, terminal: Terminal): Promise<Target> {
  const isByHand = values.waypoint !== undefined && values.cert !== undefined;
  // With an address, a waypoint and certificates nothing needs to be looked up.
  const admin = isByHand && isIP(hostOf(url)) !== 0 ? undefined : await runningPortolan(values.state, terminal);
  const world = admin === undefined ? undefined : await worldOf(values, admin, terminal);
  const destination = world === undefined ? undefined : destinationOf(world.model, url, values.namespace);
  const authority = destination?.authority ?? `${url.hostname}:${portOf(url)}`;
  const { waypoint, expectedIdentity, trustDomain, pathNormalization } = await waypointOf(values, destination, admin);
  const identity = values.as === undefined ? undefined : identityOf(values.as, trustDomain);
  const tls = await credentials(values, identity, admin);
  const name = destination && `${destination.waypoint.namespace}/${destination.waypoint.name}`;
  return {
    identity,
    destination,
    pathNormalization,
    via: name ?? `${waypoint.host}:${waypoint.port}`,
    entry: {
      waypoint,
      authority,
      tls,
      ...(expectedIdentity === undefined ? {} : { expectedIdentity }),
      ...(destination === undefined || identity === undefined
        ? {}
        : { headers: baggageOf(destination.waypoint, identity) }),
    },
  };
}

const worldOf = async (values: Flags, admin: AdminClient, terminal: Terminal): Promise<World> =>
  values.file.length > 0 ? await readWorld(values.file, values['trust-domain'], terminal) : await asked(admin.world());

interface Entrance {
  readonly waypoint: MeshEntry['waypoint'];
  readonly expectedIdentity: SpiffeId | undefined;
  readonly trustDomain: string;
  readonly pathNormalization: PathNormalization;
}

async function waypointOf(
  values: Flags,
  destination: Destination | undefined,
  admin: AdminClient | undefined,
): Promise<Entrance> {
  const given = values['waypoint-identity'];
  const named = given === undefined ? undefined : identityOf(given, values['trust-domain']);
  if (values.waypoint !== undefined) {
    const trustDomain = destination?.waypoint.trustDomain ?? values['trust-domain'];
    // Of a waypoint whose process is not asked nobody knows more than the default.
    const isOurs = admin !== undefined && values.file.length === 0;
    const pathNormalization = isOurs
      ? (await asked(admin.status())).process.pathNormalization
      : DEFAULT_PATH_NORMALIZATION;
    return { waypoint: addressOf(values.waypoint), expectedIdentity: named, trustDomain, pathNormalization };
  }
  const { process, waypoints } = await asked((admin as AdminClient).status());
  const { pathNormalization } = process;
  const { namespace, name } = (destination as Destination).waypoint;
  const served = waypoints.find((one) => one.namespace === namespace && one.name === name);
  if (served === undefined) {
    throw new Failure(EXIT.unreachable, `the waypoint ${namespace}/${name} does not run here`, {
      expected:
        waypoints.length === 0
          ? 'a waypoint that runs'
          : `one of: ${waypoints.map((one) => `${one.namespace}/${one.name}`).join(', ')}`,
      next: 'portolan status, or --waypoint HOST:PORT',
    });
  }
  const { address, identity, trustDomain } = served;
  return { waypoint: address, expectedIdentity: named ?? identity, trustDomain, pathNormalization };
}

function addressOf(text: string): MeshEntry['waypoint'] {
  const match = /^(?:\[([0-9a-f:]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(text);
  const [, v6, host, port] = match ?? [];
  if (port === undefined || Number(port) > 65_535) {
    throw usage(`"${text}" is not where a waypoint is`, {
      expected: '127.0.0.1:15008, [::1]:15008 or host:15008',
      came: text,
    });
  }
  return { host: v6 ?? host ?? '', port: Number(port) };
}

async function credentials(
  values: Flags,
  identity: SpiffeId | undefined,
  admin: AdminClient | undefined,
): Promise<HboneTls> {
  const { cert, key, root } = values;
  if (cert !== undefined || key !== undefined || root !== undefined) {
    if (cert === undefined || key === undefined || root === undefined) {
      throw usage('--cert, --key and --root belong together', {
        next: 'portolan certs issue IDENTITY --out FOLDER makes all three',
      });
    }
    const [certificate, privateKey, ca] = await Promise.all([cert, key, root].map((path) => readFile(path, 'utf8')));
    return { cert: certificate!, key: privateKey!, ca: ca! };
  }
  if (identity === undefined || admin === undefined) {
    throw usage('curl needs to know who calls', { expected: '--as NAMESPACE/ACCOUNT, or --cert, --key and --root' });
  }
  const issued = await asked(admin.issue({ identity, ttlMs: 3_600_000 }));
  return { cert: issued.certificate, key: issued.key, ca: issued.roots };
}

async function exchange(entry: MeshEntry, request: MeshRequest): Promise<MeshResponse> {
  const client = createHboneClient();
  const mesh = openMesh(client, entry);
  try {
    return await mesh.send(request);
  } catch (error) {
    throw asFailure(error, entry);
  } finally {
    mesh.close();
    await client.close(0);
  }
}

/** Each way in which there is no answer has its own exit code. */
function asFailure(error: unknown, { authority, waypoint }: MeshEntry): unknown {
  const place = `${waypoint.host}:${waypoint.port}`;
  if (error instanceof NoAnswer)
    return new Failure(EXIT.timedOut, error.message, { next: 'a longer --max-time, or portolan explain' });
  if (!(error instanceof HboneError)) return error;
  switch (error.failure) {
    case 'tls':
    case 'identity':
      return new Failure(EXIT.refused, error.message, {
        next: 'portolan certs inspect FILE, or other roots with --root',
      });
    case 'timeout':
      return new Failure(EXIT.timedOut, error.message, { next: 'portolan status' });
    case 'refused':
      return new Failure(EXIT.unreachable, error.message, {
        ...(error.status === 404
          ? { expected: `a virtual address and port that ${place} serves`, came: authority }
          : {}),
        next: 'portolan status -o wide',
      });
    case 'unreachable':
      return new Failure(EXIT.unreachable, error.message, {
        expected: `a waypoint at ${place}`,
        next: 'portolan status',
      });
    case 'reset':
    case 'closed':
    case 'authority':
      return new Failure(EXIT.failed, error.message, { next: 'portolan status' });
  }
}

async function writeBody({ body }: MeshResponse, file: string | undefined, terminal: Terminal): Promise<void> {
  if (file === undefined || file === '-') terminal.out(body);
  else await writeFile(file, body);
}

function headText({ status, statusText, rawHeaders }: MeshResponse): string {
  const lines: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  return `${[`HTTP/1.1 ${status} ${statusText}`, ...lines].map(printable).join('\n')}\n\n`;
}

/** The line on standard error: who asked whom, what came, and why as far as a model can tell. */
async function happened(
  target: Target,
  request: MeshRequest,
  response: MeshResponse,
  terminal: Terminal,
): Promise<string> {
  const style = terminal.style.err;
  const { status, statusText, durationMs } = response;
  const paint = status < 400 ? style.green : style.red;
  const who = target.identity === undefined ? '' : `as ${target.identity}  `;
  const line = `${style.dim(`> ${who}via ${target.via} (HBONE)`)}  ${paint(`< ${status} ${statusText}`.trim())} ${Math.round(durationMs)} ms`;
  const why = await explained(target, request);
  return `${line}${why === undefined ? '' : `  ${printable(oneLine(why))}`}\n`;
}

async function explained({ destination, identity, pathNormalization }: Target, request: MeshRequest) {
  if (destination === undefined || identity === undefined || destination.port.protocol === 'tcp') return undefined;
  const { explain } = await import('./explain/explanation.ts');
  const { method, path, host, headers } = request;
  return await explain(destination, { identity, method, path, host, headers, pathNormalization });
}

async function asJson(target: Target, request: MeshRequest, response: MeshResponse): Promise<object> {
  const { status, rawHeaders, body, durationMs } = response;
  const pairs = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, rawHeaders[i + 1] ?? '']] : []));
  return {
    apiVersion: API_VERSION,
    as: target.identity,
    waypoint: target.via,
    authority: target.entry.authority,
    method: request.method,
    path: request.path,
    status,
    headers: pairs,
    body: body.toString('utf8'),
    durationMs: Math.round(durationMs * 1000) / 1000,
    explanation: await explained(target, request),
  };
}
