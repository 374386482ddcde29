import type { AuthzRequest } from '#model/authz.ts';
import { parseSpiffeId } from '#model/identity.ts';

const PLAIN_SOURCE = '127.0.0.1';

/** `POST /api with x-a: 1, as app/web from 10.0.0.1`. */
export function requestText(request: AuthzRequest, protocol: 'http' | 'tcp'): string {
  const { principal = 'nobody', sourceIp, destinationIp, destinationPort, host, method, path, headers } = request;
  const from = sourceIp === PLAIN_SOURCE ? '' : ` from ${sourceIp}`;
  const who = `as ${shortest(principal)}${from}`;
  if (protocol === 'tcp') return `connection to ${destinationIp}:${destinationPort} ${who}`;
  const lines = headers.map(([name, value]) => `${name}: ${value}`).join(', ');
  return `${method} http://${host}${path}${lines === '' ? '' : ` with ${lines}`} ${who}`;
}

/** The command that explains the request; undefined where explain has no way to ask it. */
export function explainLine(
  request: AuthzRequest,
  target: string,
  file: string,
  protocol: 'http' | 'tcp',
): string | undefined {
  const { principal = '', sourceIp, destinationIp, destinationPort, host, method, path, headers } = request;
  const service = /^([^.]+\.[^.]+)\.svc\..*:\d+$/.exec(target)?.[1];
  if (protocol === 'tcp' || file === '-' || service === undefined || parseSpiffeId(principal) === undefined) {
    return undefined;
  }
  const place = `${service}:${destinationPort}`;
  const words = [
    'portolan explain -f',
    quoted(file),
    '--as',
    quoted(shortest(principal)),
    quoted(method),
    quoted(`http://${place}${path}`),
    ...[...(host === place ? [] : [['host', host] as const]), ...headers].map(
      ([name, value]) => `-H ${quoted(`${name}: ${value}`)}`,
    ),
    ...(sourceIp === PLAIN_SOURCE ? [] : [`--source-ip ${sourceIp}`]),
  ];
  return destinationIp === '' ? undefined : words.join(' ');
}

/** `ns/app/sa/web`: without a trust domain only where that of the files is meant. */
const shortest = (principal: string): string => {
  const parts = parseSpiffeId(principal);
  return parts?.trustDomain === 'cluster.local' ? `${parts.namespace}/${parts.serviceAccount}` : principal;
};

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
