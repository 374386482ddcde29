import {
  METRIC_COUNTER,
  METRIC_GAUGE,
  METRIC_HISTOGRAM,
  STATUS_BAD_ARGUMENT,
  STATUS_NOT_FOUND,
  STATUS_OK,
} from './abi.ts';

type Kind = 'counter' | 'gauge' | 'histogram';

interface Metric {
  readonly kind: Kind;
  value: bigint;
  readonly samples: bigint[];
}

const KINDS: readonly Kind[] = ['counter', 'gauge', 'histogram'];

/**
 * Metrics outlive a VM, as in Envoy: a VM that was reloaded finds its counters where it left them. Names are what
 * the filter gave, without Envoy's prefix `wasmcustom.`.
 */
export class Metrics {
  readonly #metrics = new Map<string, Metric>();

  /** Finds or makes the metric of that kind and name. */
  open(kind: Kind, name: string): Metric {
    const key = `${kind} ${name}`;
    const found = this.#metrics.get(key);
    if (found) return found;
    const made: Metric = { kind, value: 0n, samples: [] };
    this.#metrics.set(key, made);
    return made;
  }

  counter(name: string): number {
    return Number(this.#metrics.get(`counter ${name}`)?.value ?? 0n);
  }

  gauge(name: string): number {
    return Number(this.#metrics.get(`gauge ${name}`)?.value ?? 0n);
  }

  /** Every value recorded, in order. */
  histogram(name: string): number[] {
    return (this.#metrics.get(`histogram ${name}`)?.samples ?? []).map(Number);
  }

  /** Names of all metrics of a kind, sorted. */
  names(kind: Kind): string[] {
    const prefix = `${kind} `;
    return [...this.#metrics.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length))
      .sort();
  }
}

/** The ids that one VM knows metrics by. The low two bits of an id are its kind; defining a name again gives a new id. */
export class MetricIds {
  readonly #metrics: Metrics;
  readonly #byId = new Map<number, Metric>();
  readonly #next = [METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM];

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** The new id, or undefined when there is no such kind. */
  define(type: number, name: string): number | undefined {
    const kind = KINDS[type];
    const last = this.#next[type];
    if (kind === undefined || last === undefined) return undefined;
    const id = last + 4;
    this.#next[type] = id;
    this.#byId.set(id, this.#metrics.open(kind, name));
    return id;
  }

  /** Counters only go up: an offset of 0 or less is a bad argument. Histograms cannot be incremented. */
  increment(id: number, offset: bigint): number {
    if ((id & 3) !== METRIC_COUNTER && (id & 3) !== METRIC_GAUGE) return STATUS_BAD_ARGUMENT;
    const metric = this.#byId.get(id);
    if (!metric) return STATUS_NOT_FOUND;
    if (metric.kind === 'counter' && offset <= 0n) return STATUS_BAD_ARGUMENT;
    metric.value += offset;
    return STATUS_OK;
  }

  /** Sets a gauge, samples a histogram, and (as Envoy does) adds to a counter. */
  record(id: number, value: bigint): number {
    const metric = this.#byId.get(id);
    if (!metric) return STATUS_NOT_FOUND;
    const unsigned = BigInt.asUintN(64, value);
    switch (metric.kind) {
      case 'counter':
        metric.value += unsigned;
        return STATUS_OK;
      case 'gauge':
        metric.value = unsigned;
        return STATUS_OK;
      case 'histogram':
        metric.samples.push(unsigned);
        return STATUS_OK;
    }
  }

  /** The value of a counter or gauge, or the status that says why there is none. */
  get(id: number): bigint | number {
    if ((id & 3) !== METRIC_COUNTER && (id & 3) !== METRIC_GAUGE) return STATUS_BAD_ARGUMENT;
    return this.#byId.get(id)?.value ?? STATUS_NOT_FOUND;
  }
}
