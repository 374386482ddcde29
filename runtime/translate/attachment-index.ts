import { push } from './inventory.ts';
import { none } from './memo.ts';
import type { AttachedTo } from './policy-status.ts';
import type { KnownService } from './service.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';

/** What policies of one kind are attached to, and so what is in force where. */
export class AttachmentIndex<E> {
  readonly #byService = new Map<KnownService, E[]>();
  readonly #byName: Readonly<Record<'waypoint' | 'class' | 'namespace', Map<string, E[]>>> = {
    waypoint: new Map(),
    class: new Map(),
    namespace: new Map(),
  };

  /** Policies of routes and of tunnels are not kept here: nothing but an AuthorizationPolicy can be one. */
  add(to: AttachedTo, each: E): void {
    if (to.kind === 'service') push(this.#byService, to.service, each);
    else if (to.kind !== 'route' && to.kind !== 'tunnels') push(this.#byName[to.kind], to.name, each);
  }

  /** For everything behind a waypoint, its workloads among it. */
  ofWaypoint({ gateway, key }: WaypointGateway): readonly E[] {
    const { class: byClass, waypoint, namespace } = this.#byName;
    return join(
      byClass.get(gateway.spec.gatewayClassName),
      waypoint.get(key),
      namespace.get(gateway.metadata.namespace),
    );
  }

  /** For a service; `shared` is what holds for its waypoint. */
  ofService(service: KnownService, { gateway }: WaypointGateway, shared: readonly E[]): readonly E[] {
    const { namespace } = service.name;
    // A namespace that is the waypoint's own is part of what is shared.
    const foreign = namespace === gateway.metadata.namespace ? undefined : this.#byName.namespace.get(namespace);
    return join(shared, this.#byService.get(service), foreign);
  }
}

/** Most services have one policy and their waypoint none, and then there is nothing to copy. */
export function join<E>(a: readonly E[] = none, b: readonly E[] = none, c: readonly E[] = none): readonly E[] {
  if (a.length === 0 && c.length === 0) return b;
  return b.length === 0 && c.length === 0 ? a : [...a, ...b, ...c];
}
