import type { KnownService } from './service.ts';

/** Services by namespace and name or by host, found without making a text: there are many look-ups. */
export class Services {
  readonly #namespaces = new Map<string, Map<string, KnownService>>();
  readonly #entries = new Map<string, KnownService[]>();
  readonly #hosts = new Map<string, KnownService>();

  constructor(all: Iterable<KnownService>) {
    for (const service of all) {
      const { namespace, name } = service.name;
      if (service.service.kind === 'ServiceEntry') {
        const key = `${namespace}/${name}`;
        this.#entries.set(key, [...(this.#entries.get(key) ?? []), service]);
        continue;
      }
      let names = this.#namespaces.get(namespace);
      if (names === undefined) this.#namespaces.set(namespace, (names = new Map()));
      names.set(name, service);
      this.#hosts.set(service.name.host, service);
    }
  }

  get(namespace: string, name: string): KnownService | undefined {
    return this.#namespaces.get(namespace)?.get(name);
  }

  /** By its full name, as it is written nearly always. Those of ServiceEntries are not found so. */
  called(host: string): KnownService | undefined {
    return this.#hosts.get(host);
  }

  /** The hosts of a ServiceEntry. Undefined: there is none of this name. */
  ofEntry(namespace: string, name: string): readonly KnownService[] | undefined {
    return this.#entries.get(`${namespace}/${name}`);
  }

  /** Sorted by namespace and name, as resources are; those of ServiceEntries last. */
  *values(): Generator<KnownService> {
    for (const names of this.#namespaces.values()) yield* names.values();
    for (const hosts of this.#entries.values()) yield* hosts;
  }
}
