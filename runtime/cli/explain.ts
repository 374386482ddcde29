import type { PathNormalization } from '#model/path-normalization.ts';
import type { RunOf, Values } from './command.ts';
import type { explain } from './commands/explain.ts';
import { destinationOf, meshUrl } from './destination.ts';
import { EXIT } from './exit.ts';
import { explain as explainRequest } from './explain/explanation.ts';
import { explainSeen } from './explain/seen.ts';
import { explanationText } from './explain/text.ts';
import { Failure, usage } from './failure.ts';
import { headerOf } from './header.ts';
import { identityOf } from './identity.ts';
import { pathNormalizationOf } from './path-normalization.ts';
import type { MetadataMap, MetadataValue } from '#model/metadata.ts';
import { jsonText, yamlText } from './render/document.ts';
import { canonicalAddress } from '#translate/ip-address.ts';
import type { Terminal } from './terminal.ts';
import { asked, runningPortolan, worldOf } from './world.ts';

export const run: RunOf<typeof explain> = async ({ values, positionals, terminal }) => {
  const { 'request-id': requestId, last, list } = values;
  if (requestId !== undefined || last || list) {
    if (
      positionals.length > 0 ||
      values.file.length > 0 ||
      [requestId !== undefined, last, list].filter(Boolean).length > 1
    ) {
      throw usage('--request-id, --last and --list stand alone: the request is the one that was seen', {
        next: 'portolan explain --request-id ID',
      });
    }
    const form = values.json ? 'json' : values.output;
    return await explainSeen(
      { ...(requestId === undefined ? {} : { requestId }), list, state: values.state, form },
      terminal,
    );
  }
  const [method, text] = positionals.length === 1 ? ['GET', positionals[0]] : positionals;
  if (text === undefined || method === undefined || positionals.length > 2) {
    throw usage('explain needs a method and a URL', {
      next: 'portolan explain --as NAMESPACE/ACCOUNT GET http://SERVICE.NAMESPACE:PORT/',
    });
  }
  if (values.as === undefined) {
    throw usage('explain needs to know who calls', {
      expected: '--as NAMESPACE/ACCOUNT',
      next: 'portolan help explain',
    });
  }
  const url = meshUrl(text);
  const headers = values.header.map(headerOf);
  const world = await worldOf(values, terminal);
  const destination = destinationOf(world.model, url, values.namespace);
  const { port, waypoint } = destination;
  if (port.protocol === 'tcp') {
    throw new Failure(
      EXIT.failed,
      `${port.service.host}:${port.port} is a TCP port: there is no HTTP request to explain`,
      {
        expected: 'a port whose name or appProtocol says http, http2 or grpc',
        next: 'portolan translate -o programs',
      },
    );
  }
  const sourceIp = values['source-ip'] === undefined ? undefined : canonicalAddress(values['source-ip']);
  if (values['source-ip'] !== undefined && sourceIp === undefined) {
    throw usage(`"${values['source-ip']}" is not an address`, { expected: '--source-ip 10.0.0.7' });
  }
  const explanation = await explainRequest(destination, {
    identity: identityOf(values.as, waypoint.trustDomain),
    method: method.toUpperCase(),
    path: `${url.pathname}${url.search}`,
    host: url.host,
    headers,
    pathNormalization: await normalizationOf(values, terminal),
    ...(sourceIp === undefined ? {} : { sourceIp }),
    ...(values.claims === undefined ? {} : { claims: claimsOf(values.claims) }),
  });
  switch (values.json ? 'json' : values.output) {
    case 'json':
      terminal.out(jsonText(explanation));
      break;
    case 'yaml':
      terminal.out(yamlText(explanation));
      break;
    default:
      terminal.out(explanationText(explanation, terminal.style.out));
  }
  if (values.expect === undefined || values.expect === explanation.decision.toLowerCase()) return EXIT.ok;
  terminal.err(`expected ${values.expect.toUpperCase()}, came ${explanation.decision}\n`);
  return EXIT.found;
};

/** What is asked for; otherwise what the running process was told. Undefined: nobody said, so that the mesh does. */
async function normalizationOf(
  values: Values<typeof explain.flags>,
  terminal: Terminal,
): Promise<PathNormalization | undefined> {
  const isAsked = values['path-normalization'] !== undefined;
  if (isAsked || values.file.length > 0) return pathNormalizationOf(values['path-normalization']);
  const client = await runningPortolan(values.state, terminal);
  return (await asked(client.status())).process.pathNormalization;
}

function claimsOf(text: string): MetadataMap {
  try {
    const claims = JSON.parse(text) as MetadataValue;
    if (typeof claims === 'object' && claims !== null && !Array.isArray(claims)) return claims as MetadataMap;
  } catch {
    // told below, with what is expected
  }
  throw usage(`"${text}" is no object of JSON`, { expected: `--claims '{"iss": "https://issuer", "sub": "subject"}'` });
}
