import { isIP } from 'node:net';
import { canonicalAddress } from '#translate/ip-address.ts';
import type { Model, ServicePort, Waypoint } from '#model/waypoint.ts';
import { authority } from '#envoy/names.ts';
import { EXIT } from './exit.ts';
import { Failure, usage } from './failure.ts';
import { closest } from './suggest.ts';

/** What a URL leads to: one port of one service behind one waypoint. */
export interface Destination {
  readonly waypoint: Waypoint;
  readonly port: ServicePort;
  /** Virtual address and port, as CONNECT names them. */
  readonly authority: string;
}

/** Reads a URL of a request into the mesh; without a scheme it is `http://`. Throws a usage failure. */
export function meshUrl(text: string): URL {
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  let url: URL;
  try {
    url = new URL(whole);
  } catch {
    throw usage(`"${text}" is not a URL`, { expected: 'http://reviews.bookinfo:9080/path', came: text });
  }
  if (url.protocol === 'http:') return url;
  throw usage(`a waypoint is asked in plain HTTP inside the tunnel`, {
    expected: 'http://…; mutual TLS is what HBONE adds',
    came: text,
  });
}

export const portOf = (url: URL): number => (url.port === '' ? 80 : Number(url.port));

/** Host of a URL without the brackets of IPv6. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1');

/**
 * Finds what a URL leads to: `reviews` (of `namespace`, or the only one), `reviews.bookinfo`, `reviews.bookinfo.svc`, the
 * full name, or a virtual address. Throws a `Failure` that says what there is instead.
 */
export function destinationOf(model: Model, url: URL, namespace: string | undefined): Destination {
  const host = hostOf(url);
  const number = portOf(url);
  const all = model.waypoints.flatMap((waypoint) => waypoint.ports.map((port) => ({ waypoint, port })));
  const ofHost = all.filter(({ port }) => isNamed(port, host, namespace));
  const found = ofHost.filter(({ port }) => port.port === number);
  const [first] = found;
  if (first === undefined) throw nothing(host, number, all, ofHost);
  const namespaces = [...new Set(found.map(({ port }) => port.service.namespace))];
  if (namespaces.length > 1) {
    throw usage(`"${host}" is a service of several namespaces: ${namespaces.join(', ')}`, {
      next: `${host}.${namespaces[0]}, or -n ${namespaces[0]}`,
    });
  }
  const address = isIP(host) === 0 ? first.port.addresses[0]! : canonicalAddress(host)!;
  return { ...first, authority: authority(address, number) };
}

function isNamed({ service, addresses }: ServicePort, host: string, namespace: string | undefined): boolean {
  const address = canonicalAddress(host);
  if (address !== undefined) return addresses.includes(address);
  if (!host.includes('.')) return service.name === host && (namespace === undefined || service.namespace === namespace);
  const short = `${service.name}.${service.namespace}`;
  return [short, `${short}.svc`, service.host].includes(host);
}

type Known = readonly Omit<Destination, 'authority'>[];

function nothing(host: string, number: number, all: Known, ofHost: Known): Failure {
  if (ofHost.length > 0) {
    return new Failure(EXIT.failed, `${host} has no port ${number} behind a waypoint`, {
      expected: `one of: ${ofHost.map(({ port }) => port.port).join(', ')}`,
      came: String(number),
    });
  }
  const names = [...new Set(all.map(({ port: { service } }) => `${service.name}.${service.namespace}`))];
  const meant =
    closest(host, names) ??
    closest(
      host,
      names.map((name) => name.split('.')[0]!),
    );
  return new Failure(EXIT.failed, `no waypoint serves ${host}`, {
    expected:
      meant ?? (names.length === 0 ? 'a service that uses a waypoint' : `one of: ${names.slice(0, 8).join(', ')}`),
    came: host,
    effect: 'traffic to it does not pass a waypoint, so no L7 policy applies to it',
    next: 'portolan status -o wide',
  });
}
