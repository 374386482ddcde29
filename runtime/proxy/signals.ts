import type { Supervisor } from './supervise.ts';

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Ends our process in order when it is told to end: the first signal drains and stops Envoy, a second one cuts that
 * short. `after` closes what else there is. For programs that have no signal handling of their own. Returns what takes
 * it back.
 */
export function stopOnSignals(
  supervisor: Pick<Supervisor, 'stop'>,
  options: { readonly drainMs: number; after?(): Promise<void> },
): () => void {
  const handlers = Object.entries(NUMBERS).map(([name, number]) => {
    const handler = (): void => {
      void supervisor
        .stop({ drainMs: options.drainMs })
        .then(() => options.after?.())
        .finally(() => process.exit(128 + number));
    };
    process.on(name, handler);
    return [name, handler] as const;
  });
  return () => handlers.forEach(([name, handler]) => void process.off(name, handler));
}
