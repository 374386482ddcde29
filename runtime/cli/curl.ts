import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createHboneClient } from '#hbone/client.ts';
import type { RunOf } from './command.ts';
import type { curl } from './commands/curl.ts';
import { requestBody } from './curl/body.ts';
import { asFailure } from './curl/failure.ts';
import { asJson, fieldsText, happened, headText } from './curl/report.ts';
import { targetOf, type CurlValues, type Target } from './curl/target.ts';
import { meshUrl } from './destination.ts';
import { durationOf } from './duration.ts';
import { EXIT, type Exit } from './exit.ts';
import { usage } from './failure.ts';
import { headerOf } from './header.ts';
import { jsonText } from './render/document.ts';
import { openMesh, type MeshAnswer, type MeshConnection, type MeshRequest } from './request.ts';
import type { Terminal } from './terminal.ts';

/** Until the answer begins, where nobody says how long the whole may take: a stream of events has no end. */
const ANSWER_TIMEOUT_MS = 30_000;

export const run: RunOf<typeof curl> = async ({ values, positionals, terminal }) => {
  const [text, ...more] = positionals;
  if (text === undefined || more.length > 0) {
    throw usage('curl needs one URL', { next: 'portolan curl --as NAMESPACE/ACCOUNT http://SERVICE.NAMESPACE:PORT/' });
  }
  const url = meshUrl(text);
  const target = await targetOf(url, values, terminal);
  const request = await requestOf(url, values, terminal);
  const client = createHboneClient();
  const mesh = openMesh(client, target.entry, values.http2 ? 'HTTP/2' : 'HTTP/1.1');
  try {
    return values.json
      ? await tellWhole(mesh, target, request, values, terminal)
      : await tell(mesh, target, request, values, terminal);
  } catch (error) {
    throw asFailure(error, target.entry);
  } finally {
    // An answer may come before all was read that should have been sent: nobody waits for the rest.
    if (request.body instanceof Readable) request.body.destroy();
    mesh.close();
    await client.close(0);
  }
};

async function requestOf(url: URL, values: CurlValues, terminal: Terminal): Promise<MeshRequest> {
  const headers = values.header.map(headerOf);
  const has = (name: string): boolean => headers.some(([one]) => one.toLowerCase() === name);
  const carried = await requestBody(values.data, terminal);
  const isForm = carried !== undefined;
  const length = carried?.length;
  return {
    method: values.request ?? (isForm ? 'POST' : 'GET'),
    path: `${url.pathname}${url.search}`,
    host: url.host,
    headers: [
      ...(has('user-agent') ? [] : [['user-agent', 'portolan-curl'] as const]),
      ...(has('accept') ? [] : [['accept', '*/*'] as const]),
      ...(isForm && !has('content-type') ? [['content-type', 'application/x-www-form-urlencoded'] as const] : []),
      ...(length === undefined || has('content-length') ? [] : [['content-length', String(length)] as const]),
      ...headers,
    ],
    ...(carried === undefined ? {} : { body: carried.body }),
    ...limitsOf(values['max-time']),
  };
}

/** As curl has it, a bare number is seconds and 0 no limit; a duration with its unit is taken as everywhere here. */
function limitsOf(text: string | undefined): Pick<MeshRequest, 'timeoutMs' | 'answerTimeoutMs'> {
  if (text === undefined) return { answerTimeoutMs: ANSWER_TIMEOUT_MS };
  const seconds = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined;
  if (seconds === 0) return {};
  return { timeoutMs: seconds === undefined ? durationOf('--max-time', text) : Math.ceil(seconds * 1_000) };
}

/** Head and body as they come, then the line about what happened. */
async function tell(
  mesh: MeshConnection,
  target: Target,
  request: MeshRequest,
  values: CurlValues,
  terminal: Terminal,
): Promise<Exit> {
  const began = performance.now();
  const answer = await mesh.begin(request);
  const isFailure = values.fail && answer.status >= 400;
  if (values.include) terminal.out(headText(answer));
  const last = await writeBody(answer, isFailure, values.output, terminal);
  const durationMs = performance.now() - began;
  if (values.include) terminal.out(fieldsText(answer.trailers()));
  if (!values.silent && !terminal.quiet) {
    // The body is given as it came; on a terminal the next line must not continue its last one.
    const isOpen = terminal.redraws && last !== undefined && last !== 0x0a;
    terminal.err(`${isOpen ? '\n' : ''}${await happened(target, request, answer, durationMs, terminal)}`);
  }
  return isFailure ? EXIT.found : EXIT.ok;
}

/** Gives the last byte that went to the terminal. What nobody wants is read all the same: its end is part of the time. */
async function writeBody(
  { body }: MeshAnswer,
  isUnwanted: boolean,
  file: string | undefined,
  terminal: Terminal,
): Promise<number | undefined> {
  if (file !== undefined && file !== '-' && !isUnwanted) {
    await pipeline(body, createWriteStream(file));
    return undefined;
  }
  let last: number | undefined;
  for await (const chunk of body) {
    if (isUnwanted) continue;
    await terminal.pour(chunk as Uint8Array);
    last = (chunk as Uint8Array).at(-1);
  }
  return last;
}

async function tellWhole(
  mesh: MeshConnection,
  target: Target,
  request: MeshRequest,
  values: CurlValues,
  terminal: Terminal,
): Promise<Exit> {
  const response = await mesh.send(request);
  terminal.out(jsonText(await asJson(target, request, response)));
  return values.fail && response.status >= 400 ? EXIT.found : EXIT.ok;
}
