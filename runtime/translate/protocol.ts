import type { Backend } from '#model/backend.ts';
import type { ServicePort } from '#model/waypoint.ts';

type Protocol = ServicePort['protocol'];

/** Names that Istio gives protocols, for `appProtocol` and for the part of a port's name before the first hyphen. */
const byName: ReadonlyMap<string, Protocol> = new Map([
  ['http', 'http'],
  ['http_proxy', 'http'],
  ['grpc-web', 'http'],
  ['http2', 'http2'],
  ['grpc', 'http2'],
  ['tcp', 'tcp'],
  ['tls', 'tcp'],
  ['https', 'tcp'],
  ['mongo', 'tcp'],
  ['mysql', 'tcp'],
  ['redis', 'tcp'],
  ['hbone', 'tcp'],
]);

/** The names that the Service API itself defines; a port's name cannot have a slash. */
const standard: ReadonlyMap<string, Protocol> = new Map([
  ['kubernetes.io/h2c', 'http2'],
  ['kubernetes.io/ws', 'http'],
  ['kubernetes.io/wss', 'tcp'],
]);

/** SMTP, DNS, MySQL, MongoDB: the server speaks first, so looking at the first bytes would wait for ever. */
const serverFirst: ReadonlySet<number> = new Set([25, 53, 3306, 27017]);

/** The protocol of a service port as Istio reads it: `appProtocol`, else the prefix of its name, else detection. */
export function protocolOf(port: {
  readonly port: number;
  readonly name?: string | undefined;
  readonly appProtocol?: string | undefined;
}): Protocol {
  const text = (port.appProtocol ?? port.name ?? '').toLowerCase();
  const known = port.appProtocol === undefined ? undefined : standard.get(text);
  if (known !== undefined) return known;
  const hyphen = text.indexOf('-');
  const prefix = text.startsWith('grpc-web') ? 'grpc-web' : hyphen < 0 ? text : text.slice(0, hyphen);
  return byName.get(prefix) ?? (serverFirst.has(port.port) ? 'tcp' : 'detect');
}

const tls: ReadonlySet<string> = new Set(['tls', 'https', 'kubernetes.io/wss']);

/** The port says that TLS passes through it: its callers speak first, and name the server they want. */
export function isTls(port: {
  readonly name?: string | undefined;
  readonly appProtocol?: string | undefined;
}): boolean {
  const text = (port.appProtocol ?? port.name ?? '').toLowerCase();
  return tls.has(text) || tls.has(text.split('-', 1)[0]!);
}

/** How a cluster speaks to a port: one that is detected speaks as its caller does, which `http` allows. */
export function backendProtocol(protocol: Protocol): Backend['protocol'] {
  return protocol === 'detect' ? 'http' : protocol;
}
