import type { Finding } from '#model/finding.ts';
import { refOf } from './condition.ts';
import { none } from './memo.ts';
import { byAge, inOrder } from './route-order.ts';
import type { KnownPort, KnownService } from './service.ts';

/** Which addresses each port of the services of one waypoint has, when an address and port can have one owner only. */
export interface Addresses {
  of(service: KnownService, port: KnownPort): readonly string[];
  readonly findings: readonly Finding[];
}

/**
 * A cluster gives an address to one service; in files two may claim one, and then the older service keeps it. Anybody may
 * write any address and host into a ServiceEntry: a Service never loses either to one.
 */
export function shareAddresses(services: readonly KnownService[]): Addresses {
  const owners = new Map<string, KnownService>();
  const losses = new Map<KnownPort, readonly string[]>();
  const findings: Finding[] = [];
  const hosts = new Map<string, KnownService>();
  for (const known of inOrder(services, byRight)) {
    const holder = hosts.get(known.name.host);
    if (holder !== undefined) {
      for (const each of known.ports) losses.set(each, none);
      findings.push(sameHost(known, holder));
      continue;
    }
    hosts.set(known.name.host, known);
    for (const each of known.ports) {
      const { port } = each;
      const kept = known.addresses.filter((address) => {
        const key = `${address} ${port}`;
        const owner = owners.get(key);
        if (owner === undefined) owners.set(key, known);
        else findings.push(claimed(known, address, port, owner));
        return owner === undefined;
      });
      if (kept.length < known.addresses.length) losses.set(each, kept);
    }
  }
  return { of: (service, port) => losses.get(port) ?? service.addresses, findings };
}

const byRight = (a: KnownService, b: KnownService): number =>
  Number(a.service.kind === 'ServiceEntry') - Number(b.service.kind === 'ServiceEntry') || byAge(a.service, b.service);

function sameHost(known: KnownService, holder: KnownService): Finding {
  return {
    code: 'PTL1410',
    level: 'error',
    resource: refOf(known.service),
    path: 'spec.hosts',
    message: `host ${known.name.host} of ${nameOf(known)} belongs to ${nameOf(holder)} already`,
    expected: 'a host of its own',
    came: known.name.host,
    effect: 'the waypoint does not serve it for this ServiceEntry',
    next: 'remove the host from one of the two',
  };
}

const nameOf = ({ service, name }: KnownService): string => `${service.kind} ${name.namespace}/${name.name}`;

function claimed(known: KnownService, address: string, port: number, owner: KnownService): Finding {
  return {
    code: 'PTL1404',
    level: 'error',
    resource: refOf(known.service),
    path: known.inline === undefined ? 'spec.clusterIP' : 'spec.addresses',
    message: `address ${address} and port ${port} of ${nameOf(known)} belong to ${nameOf(owner)} already`,
    expected: 'an address of its own',
    came: address,
    effect: `requests to ${address}:${port} go to ${nameOf(owner)}`,
    next: 'give one of the services another address',
  };
}
