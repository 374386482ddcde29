import { ABI_VERSIONS, LOG_LEVELS, type LogLevel, type LogLine } from './abi.ts';
import { Context } from './context.ts';
import { imports } from './imports.ts';
import { Memory } from './memory.ts';
import { MetricIds, type Metrics } from './metrics.ts';
import type { SharedData, SharedQueues } from './shared.ts';
import { type Clock, Timers } from './timers.ts';

/** What a VM is given by the process around it; all of it outlives the VM. */
export interface Surroundings {
  readonly vmId: string;
  readonly vmConfig: Uint8Array;
  readonly clock: Clock;
  /** Fills the bytes with randomness. */
  readonly random: (bytes: Uint8Array) => void;
  readonly log: (line: LogLine) => void;
  readonly logLevel: LogLevel;
  readonly metrics: Metrics;
  readonly data: SharedData;
  readonly queues: SharedQueues;
}

type Export = (...args: readonly number[]) => number | undefined;

/**
 * One VM: an instance of the module, the contexts that live in it, and the rule of who runs. A trap fails it for
 * good, as in Envoy: nothing is called in it again, and whoever asks gets `undefined`.
 */
export class Instance {
  readonly surroundings: Surroundings;
  readonly memory: Memory;
  readonly timers: Timers;
  readonly metricIds: MetricIds;
  readonly contexts = new Map<number, Context>();
  /** Set by a local reply: whatever the callback returns, the stream does not go on. */
  nextIterationStopped = false;
  readonly #exports: WebAssembly.Exports;
  #failure: Error | undefined;
  #lastId = 0;
  #current: Context = new Context(0, 0);
  #effective: Context | undefined;
  #deferred: (() => void)[] = [];

  /** Instantiates and starts the module. Throws when it cannot be linked, says no ABI we know, or traps. */
  constructor(module: WebAssembly.Module, surroundings: Surroundings) {
    checkAbi(module);
    this.surroundings = surroundings;
    this.timers = new Timers(surroundings.clock);
    this.metricIds = new MetricIds(surroundings.metrics);
    const instance = new WebAssembly.Instance(module, imports(module, this));
    this.#exports = instance.exports;
    const { memory } = instance.exports;
    if (!(memory instanceof WebAssembly.Memory)) throw new TypeError('the module exports no `memory`');
    this.memory = new Memory(memory, (size) => this.#function('malloc', 'proxy_on_memory_allocate')?.(size) ?? 0);
    const start = this.#function('_initialize') ?? this.#function('_start');
    start?.();
    if (this.#function('_initialize')) this.#function('main')?.(0, 0);
  }

  /** Why this VM must not be used any more; undefined while it may. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Takes the VM out of use. */
  fail(error: Error): void {
    this.#failure ??= error;
  }

  /** The context that a host call is about: the one whose callback runs, unless the filter entered another. */
  get context(): Context {
    return this.#effective ?? this.#current;
  }

  /** `proxy_set_effective_context`: false when there is no such context. */
  enter(id: number): boolean {
    const context = this.contexts.get(id);
    this.#effective = context ?? this.#effective;
    return context !== undefined;
  }

  /** Takes the next id: roots, streams and connections count together, from 1. */
  nextId(): number {
    return ++this.#lastId;
  }

  has(name: string): boolean {
    return this.#function(name) !== undefined;
  }

  /**
   * Calls an exported callback in a context. Gives what it returned; undefined when the module has no such export or
   * the VM failed, now or before. `settle` must follow, when the caller has looked at the result.
   */
  call(context: Context, name: string, ...args: readonly number[]): number | undefined {
    const callback = this.#function(name);
    if (!callback || this.#failure) return undefined;
    const [current, effective] = [this.#current, this.#effective];
    this.#current = context;
    this.#effective = undefined;
    try {
      return callback(...args) ?? 0;
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.log('critical', `Function: ${name} failed: ${this.#failure.message}`);
      return undefined;
    } finally {
      this.#current = current;
      this.#effective = effective;
    }
  }

  /** Puts off what a host call asked for until the callback has returned. */
  defer(action: () => void): void {
    this.#deferred.push(action);
  }

  /** Does what was put off: after every callback, when its result has been looked at. */
  settle(): void {
    this.nextIterationStopped = false;
    const actions = this.#deferred;
    this.#deferred = [];
    for (const action of actions) action();
  }

  /** Logs unless the level is below the one that is on. */
  log(level: LogLevel, message: string): void {
    const { logLevel, log } = this.surroundings;
    if (LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(logLevel)) log({ level, message });
  }

  /** Runs the tick that is due first; false when none is. */
  tick(): boolean {
    return this.timers.run((id) => {
      const context = this.contexts.get(id);
      if (!context) return;
      this.call(context, 'proxy_on_tick', id);
      this.settle();
    });
  }

  #function(...names: readonly string[]): Export | undefined {
    for (const name of names) {
      const found = this.#exports[name];
      if (typeof found === 'function') return found as Export;
    }
    return undefined;
  }
}

function checkAbi(module: WebAssembly.Module): void {
  const names = WebAssembly.Module.exports(module).map((item) => item.name);
  if (ABI_VERSIONS.some((version) => names.includes(version))) return;
  const came = names.filter((name) => name.startsWith('proxy_abi_version_')).join(', ') || 'none';
  throw new TypeError(
    `Missing or unknown Proxy-Wasm ABI version: expected an export ${ABI_VERSIONS.join(' or ')}, came ${came}`,
  );
}
