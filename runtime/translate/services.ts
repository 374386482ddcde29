import type { KnownService } from './service.ts';

/** Services by namespace and name or by host, found without making a text: there are many look-ups. */
export class Services {
  readonly #namespaces = new Map<string, Map<string, KnownService>>();
  readonly #hosts = new Map<string, KnownService>();

  constructor(all: Iterable<KnownService>) {
    for (const service of all) {
      const { namespace, name } = service.name;
      let names = this.#namespaces.get(namespace);
      if (names === undefined) this.#namespaces.set(namespace, (names = new Map()));
      names.set(name, service);
      this.#hosts.set(service.name.host, service);
    }
  }

  get(namespace: string, name: string): KnownService | undefined {
    return this.#namespaces.get(namespace)?.get(name);
  }

  /** By its full name, as it is written nearly always. */
  called(host: string): KnownService | undefined {
    return this.#hosts.get(host);
  }

  /** Sorted by namespace and name, as resources are. */
  *values(): Generator<KnownService> {
    for (const names of this.#namespaces.values()) yield* names.values();
  }
}
