import type { Finding } from '#model/finding.ts';
import { refOf } from './condition.ts';
import { inOrder, byAge } from './route-order.ts';
import type { KnownPort, KnownService } from './service.ts';

/** Which addresses each port of the services of one waypoint has, when an address and port can have one owner only. */
export interface Addresses {
  of(service: KnownService, port: KnownPort): readonly string[];
  readonly findings: readonly Finding[];
}

/** A cluster gives an address to one service; in files two may claim one, and then the older service keeps it. */
export function shareAddresses(services: readonly KnownService[]): Addresses {
  const owners = new Map<string, KnownService>();
  const losses = new Map<KnownPort, readonly string[]>();
  const findings: Finding[] = [];
  for (const known of inOrder(services, (a, b) => byAge(a.service, b.service))) {
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

function claimed(known: KnownService, address: string, port: number, owner: KnownService): Finding {
  return {
    code: 'PTL1404',
    level: 'error',
    resource: refOf(known.service),
    path: 'spec.clusterIP',
    message: `address ${address} and port ${port} of Service ${known.key} belong to Service ${owner.key} already`,
    expected: 'an address of its own',
    came: address,
    effect: `requests to ${address}:${port} go to Service ${owner.key}`,
    next: 'give one of the services another clusterIP',
  };
}
