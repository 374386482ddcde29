import type { LogLevel, LogLine } from './abi.ts';
import { Connection } from './connection.ts';
import { HeaderMap } from './headers.ts';
import { Instance, type Surroundings } from './instance.ts';
import { Metrics } from './metrics.ts';
import type { Properties } from './properties.ts';
import { type PluginConfig, RootContext } from './root.ts';
import { SharedData, SharedQueues } from './shared.ts';
import { type MessageOptions, Stream } from './stream.ts';
import { type Clock, ManualClock, milliseconds } from './timers.ts';

export interface HostOptions {
  /** A clock that stands still, moved by `advance`, unless given. */
  readonly clock?: Clock;
  /** Fills bytes with randomness; the platform's own unless given. */
  readonly random?: (bytes: Uint8Array) => void;
  /** Hears every log line; they are kept in `logs` as well. */
  readonly log?: (line: LogLine) => void;
  /** Lines below it are dropped, and the filter is told so: `info` unless given. */
  readonly logLevel?: LogLevel;
  readonly vmId?: string;
  readonly vmConfig?: Uint8Array;
}

export interface RootOptions {
  readonly rootId: string;
  readonly name?: string;
  readonly pluginConfig?: Uint8Array;
}

/** The filter refused a configuration, as `proxy_on_configure` says it with 0, or trapped on it. */
export class ConfigurationRefused extends Error {
  readonly logs: readonly LogLine[];

  constructor(rootId: string, logs: readonly LogLine[], failure: Error | undefined) {
    const said = logs.map((line) => line.message).join('; ') || 'nothing';
    super(`root ${rootId}: the filter ${failure ? 'trapped on' : 'refused'} its configuration; it said: ${said}`);
    this.name = 'ConfigurationRefused';
    this.logs = logs;
  }
}

/** Loads filters the way stock Envoy 1.40 does, without Envoy. */
export const Host = {
  /** Compiles a module, or takes a compiled one (where compiling is not allowed), and makes a VM for it. */
  async load(source: Uint8Array | WebAssembly.Module, options: HostOptions = {}): Promise<Vm> {
    const compiled = source instanceof WebAssembly.Module;
    const module = compiled ? source : await WebAssembly.compile(source as Uint8Array<ArrayBuffer>);
    return new Vm(module, options);
  },
};

/**
 * One module's VM on one worker. A trap fails it: streams in flight get 503, and the next request finds a new one
 * (Envoy's FAIL_RELOAD). Metrics, shared data and logs outlive it.
 */
export class Vm {
  readonly logs: LogLine[] = [];
  readonly metrics = new Metrics();
  readonly clock: Clock;
  readonly #module: WebAssembly.Module;
  readonly #surroundings: Surroundings;
  #instance: Instance;
  #traps = 0;

  constructor(module: WebAssembly.Module, options: HostOptions) {
    this.#module = module;
    this.clock = options.clock ?? new ManualClock();
    this.#surroundings = {
      vmId: options.vmId ?? '',
      vmConfig: options.vmConfig ?? new Uint8Array(0),
      clock: this.clock,
      random: options.random ?? ((bytes) => void crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>)),
      log: (line) => {
        this.logs.push(line);
        options.log?.(line);
      },
      logLevel: options.logLevel ?? 'info',
      metrics: this.metrics,
      data: new SharedData(),
      queues: new SharedQueues(),
    };
    this.#instance = new Instance(module, this.#surroundings);
  }

  /** How many VMs were lost to a trap. */
  get traps(): number {
    return this.#traps + (this.#instance.failure ? 1 : 0);
  }

  /** Bytes of the VM's memory now. */
  get memorySize(): number {
    return this.#instance.memory.size;
  }

  /**
   * Configures a new root. It is tried in a VM of its own first, as Envoy does: what is refused there, or traps,
   * throws ConfigurationRefused and leaves the VM in use as it was.
   */
  configure(options: RootOptions): Root {
    const config: PluginConfig = {
      rootId: options.rootId,
      name: options.name ?? options.rootId,
      pluginConfig: options.pluginConfig ?? new Uint8Array(0),
    };
    const logs: LogLine[] = [];
    const apart = { metrics: new Metrics(), data: new SharedData(), queues: new SharedQueues() };
    const canary = new Instance(this.#module, { ...this.#surroundings, ...apart, log: (line) => logs.push(line) });
    if (!new RootContext(canary, config).start()) {
      for (const line of logs) this.#surroundings.log(line);
      throw new ConfigurationRefused(config.rootId, logs, canary.failure);
    }
    const root = new Root(this, config);
    root.enter();
    return root;
  }

  /** Moves the clock and runs every tick that comes due on the way. Only for the clock that the VM made itself. */
  advance(ms: number): void {
    if (!(this.clock instanceof ManualClock)) {
      throw new TypeError('advance moves a ManualClock; with a clock of your own, move it and call runTimers');
    }
    const end = this.clock.now() + milliseconds(ms);
    for (let next = this.nextTimer; next !== undefined && next <= end; next = this.nextTimer) {
      this.clock.moveTo(next);
      if (!this.#instance.tick()) break;
    }
    this.clock.moveTo(end);
  }

  /** When the next tick is due, by the clock; undefined when none is. */
  get nextTimer(): bigint | undefined {
    return this.#instance.failure ? undefined : this.#instance.timers.next;
  }

  /** Runs the ticks that are due by the clock. */
  runTimers(): void {
    while (!this.#instance.failure && this.#instance.tick());
  }

  /** Calls an export of the module that is not of the ABI, such as `portolan_decision`. */
  exported(name: string, ...args: readonly number[]): number | undefined {
    const context = this.#instance.context;
    const result = this.#instance.call(context, name, ...args);
    this.#instance.settle();
    return result;
  }

  /** The VM in use; a new one when the last was lost. For Root. */
  alive(): Instance {
    if (this.#instance.failure) {
      this.#traps++;
      this.#instance = new Instance(this.#module, this.#surroundings);
    }
    return this.#instance;
  }
}

/** A configured filter: what a filter chain holds. */
export class Root {
  readonly vm: Vm;
  readonly #config: PluginConfig;
  #context: RootContext | undefined;

  /** Use `Vm.configure`. */
  constructor(vm: Vm, config: PluginConfig) {
    this.vm = vm;
    this.#config = config;
  }

  /** A request arrives. */
  request(options: MessageOptions): Stream {
    const headers = new HeaderMap('request', options.headers);
    const stream = new Stream(this.enter());
    stream.begin(headers, options);
    return stream;
  }

  /** A TCP connection is accepted. */
  connection(options: { readonly properties?: Properties } = {}): Connection {
    const connection = new Connection(this.enter(), options.properties);
    connection.begin();
    return connection;
  }

  /**
   * A new configuration takes this one's place, as ECDS does it: new streams find the new root, this one ends with its
   * last stream. Throws ConfigurationRefused and changes nothing when the filter does not take it.
   */
  replace(pluginConfig: Uint8Array): Root {
    const next = this.vm.configure({ rootId: this.#config.rootId, name: this.#config.name, pluginConfig });
    this.retire();
    return next;
  }

  /** Takes the root out of use: it is done when its last stream has ended. */
  retire(): void {
    if (this.#context && !this.#context.instance.failure) this.#context.retire();
  }

  /** The root's context in the VM in use; configured anew when that VM is. */
  enter(): RootContext {
    const instance = this.vm.alive();
    if (this.#context?.instance !== instance) {
      this.#context = new RootContext(instance, this.#config);
      // What was accepted once and now is not: the VM is of no use, and streams in it get 503.
      if (!this.#context.start()) instance.fail(new Error(`root ${this.#config.rootId}: its configuration failed`));
    }
    return this.#context;
  }
}
