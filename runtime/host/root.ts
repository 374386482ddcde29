import { BUFFER_PLUGIN_CONFIGURATION, BUFFER_VM_CONFIGURATION, STATUS_NOT_FOUND, STATUS_OK } from './abi.ts';
import { Body, Context } from './context.ts';
import type { Instance } from './instance.ts';

/** What a filter's configuration is: the same pair of root id and bytes is the same root. */
export interface PluginConfig {
  readonly rootId: string;
  /** `HttpFilter.name`, as far as `plugin_name` and logs go. */
  readonly name: string;
  readonly pluginConfig: Uint8Array;
}

/** A root context in one VM: configured once, then the parent of its streams until it is done and deleted. */
export class RootContext extends Context {
  readonly instance: Instance;
  readonly config: PluginConfig;
  #configuring = false;
  #streams = 0;
  #retired = false;
  #waiting = false;

  constructor(instance: Instance, config: PluginConfig) {
    const id = instance.nextId();
    super(id, id);
    this.instance = instance;
    this.config = config;
    instance.contexts.set(id, this);
  }

  /** Creates, starts and configures it in the VM. False: the filter refused, or the VM failed. */
  start(): boolean {
    const { instance, id } = this;
    instance.call(this, 'proxy_on_context_create', id, 0);
    if (this.#call('proxy_on_vm_start', id, instance.surroundings.vmConfig.length) === 0) return false;
    this.#configuring = true;
    const accepted = this.#call('proxy_on_configure', id, this.config.pluginConfig.length) !== 0;
    this.#configuring = false;
    return accepted && !instance.failure;
  }

  /** A stream of this root begins; it keeps the root alive until `release`. */
  retain(): void {
    this.#streams++;
  }

  release(): void {
    this.#streams--;
    if (this.#retired && this.#streams === 0) this.#shutDown();
  }

  /** A newer configuration took its place: it ends with its last stream. */
  retire(): void {
    this.#retired = true;
    if (this.#streams === 0) this.#shutDown();
  }

  override buffer(type: number): Body | undefined {
    if (type === BUFFER_VM_CONFIGURATION) return new Body(this.instance.surroundings.vmConfig);
    if (type === BUFFER_PLUGIN_CONFIGURATION && this.#configuring) return new Body(this.config.pluginConfig);
    return undefined;
  }

  override done(): number {
    if (!this.#waiting) return STATUS_NOT_FOUND;
    this.#waiting = false;
    this.instance.defer(() => this.#delete());
    return STATUS_OK;
  }

  #shutDown(): void {
    if (this.#call('proxy_on_done', this.id) === 0) this.#waiting = true;
    else this.#delete();
  }

  #delete(): void {
    this.#call('proxy_on_delete', this.id);
    this.instance.timers.remove(this.id);
    this.instance.contexts.delete(this.id);
  }

  #call(name: string, ...args: readonly number[]): number | undefined {
    const result = this.instance.call(this, name, ...args);
    this.instance.settle();
    return result;
  }
}
