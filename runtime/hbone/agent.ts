import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HboneClient, TunnelRequest } from './client.ts';

type Created = (error: Error | null, stream?: Duplex) => void;

/**
 * An agent for Node's `http.request` whose connections are tunnels: `http.get({ agent, host, path })` speaks HTTP/1.1
 * inside. Keeps a tunnel for the next request, as an application behind ztunnel keeps its connection; `agent.destroy()`
 * ends them.
 */
export class TunnelAgent extends Agent {
  readonly #client: HboneClient;
  readonly #request: TunnelRequest;

  constructor(client: HboneClient, request: TunnelRequest) {
    super({ keepAlive: true });
    this.#client = client;
    this.#request = request;
  }

  // Node calls it with a callback, which its types do not know.
  override createConnection(_options: unknown, created: Created): undefined {
    this.#client.connect(this.#request).then(
      (tunnel) => created(null, tunnel),
      (error: unknown) => created(error as Error),
    );
  }
}
