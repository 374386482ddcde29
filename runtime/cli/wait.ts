import { setTimeout as sleep } from 'node:timers/promises';
import { API_VERSION, type Settled } from '#admin/api.ts';
import { NotRunning } from '#admin/client.ts';
import type { RunOf } from './command.ts';
import type { wait } from './commands/wait.ts';
import { durationOf } from './duration.ts';
import { EXIT } from './exit.ts';
import { failureText } from './render/finding.ts';
import { jsonText } from './render/document.ts';
import { asked, runningPortolan, waypointName } from './world.ts';

/** While nobody listens yet: the process may be starting. */
const RETRY_MS = 100;

export const run: RunOf<typeof wait> = async ({ values, terminal }) => {
  const timeoutMs = durationOf('--timeout', values.timeout);
  const only = values.waypoint === undefined ? undefined : waypointName(values.waypoint);
  const client = await runningPortolan(values.state, terminal);
  const began = performance.now();
  const left = (): number => Math.max(0, Math.round(timeoutMs - (performance.now() - began)));

  async function settled(): Promise<Settled> {
    for (;;) {
      try {
        return await client.settled(left(), only);
      } catch (error) {
        if (!(error instanceof NotRunning)) return await asked(Promise.reject(error));
        const waitedMs = timeoutMs - left();
        if (left() === 0) return { settled: false, waitedMs, missing: [`no portolan runs: ${error.message}`] };
        await sleep(Math.min(RETRY_MS, left()));
      }
    }
  }

  const result = await settled();
  const waitedMs = Math.round(performance.now() - began);
  if (values.json) terminal.out(jsonText({ apiVersion: API_VERSION, ...result, waitedMs }));
  if (result.settled) {
    const proxies = `${result.proxies} ${result.proxies === 1 ? 'proxy' : 'proxies'}`;
    if (!values.json && !terminal.quiet) terminal.err(`accepted by ${proxies} in ${(waitedMs / 1000).toFixed(1)} s\n`);
    return EXIT.ok;
  }
  if (!values.json) {
    const details = { came: result.missing.join('\n'), next: 'portolan status -o wide' };
    const message = `not everything is accepted after ${(waitedMs / 1000).toFixed(1)} s`;
    terminal.err(failureText(message, details, terminal.style.err));
  }
  return EXIT.timedOut;
};
