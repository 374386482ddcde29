import { API_VERSION } from '#admin/api.ts';
import { oneLine } from '../explain/line.ts';
import { printable } from '../render/style.ts';
import type { MeshAnswer, MeshRequest, MeshResponse } from '../request.ts';
import type { Terminal } from '../terminal.ts';
import type { Target } from './target.ts';

/** Status line and headers, as curl's -i prints them. */
export function headText({ version, status, statusText, rawHeaders }: MeshAnswer): string {
  return `${printable(`${version} ${status} ${statusText}`.trim())}\n${fieldsText(rawHeaders)}\n`;
}

/** Headers or trailers, one a line. */
export const fieldsText = (raw: readonly string[]): string =>
  pairs(raw)
    .map(([name, value]) => `${printable(`${name}: ${value}`)}\n`)
    .join('');

/** The line on standard error: who asked whom, what came, and why as far as a model can tell. */
export async function happened(
  target: Target,
  request: MeshRequest,
  answer: Pick<MeshAnswer, 'version' | 'status' | 'statusText' | 'trailers'>,
  durationMs: number,
  terminal: Terminal,
): Promise<string> {
  const style = terminal.style.err;
  const { version, status, statusText } = answer;
  const grpc = pairs(answer.trailers()).find(([name]) => name.toLowerCase() === 'grpc-status')?.[1];
  const isGood = status < 400 && (grpc ?? '0') === '0';
  const paint = isGood ? style.green : style.red;
  const who = target.identity === undefined ? '' : `as ${target.identity}  `;
  const how = version === 'HTTP/2' ? 'HBONE, HTTP/2' : 'HBONE';
  const what = `< ${status} ${statusText}`.trim() + (grpc === undefined ? '' : ` grpc-status ${printable(grpc)}`);
  const line = `${style.dim(`> ${who}via ${target.via} (${how})`)}  ${paint(what)} ${Math.round(durationMs)} ms`;
  const why = await explained(target, request);
  return `${line}${why === undefined ? '' : `  ${printable(oneLine(why))}`}\n`;
}

async function explained({ destination, identity, pathNormalization }: Target, request: MeshRequest) {
  if (destination === undefined || identity === undefined || destination.port.protocol === 'tcp') return undefined;
  const { explain } = await import('../explain/explanation.ts');
  const { method, path, host, headers } = request;
  return await explain(destination, { identity, method, path, host, headers, pathNormalization });
}

/** Everything as one object; the body is text. */
export async function asJson(target: Target, request: MeshRequest, response: MeshResponse): Promise<object> {
  const { version, status, rawHeaders, rawTrailers, body, durationMs } = response;
  return {
    apiVersion: API_VERSION,
    as: target.identity,
    waypoint: target.via,
    authority: target.entry.authority,
    method: request.method,
    path: request.path,
    version,
    status,
    headers: pairs(rawHeaders),
    body: body.toString('utf8'),
    ...(rawTrailers.length === 0 ? {} : { trailers: pairs(rawTrailers) }),
    durationMs: Math.round(durationMs * 1000) / 1000,
    explanation: await explained(target, request),
  };
}

const pairs = (raw: readonly string[]): readonly (readonly [name: string, value: string])[] =>
  raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? ''] as const] : []));
