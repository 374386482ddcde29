import type { Running } from '#admin/api.ts';
import type { Terminal } from '#cli/terminal.ts';
import { createCaller } from './caller.ts';
import { allowed, denied, faults, metrics, services, split, type Stage } from './steps.ts';

/** What the demonstration needs of a running mesh. */
export interface RunningMesh {
  readonly running: Running;
  /** Prometheus text of the waypoint. */
  metrics(): Promise<string>;
  /** How the user calls portolan: `npx portolan`. */
  readonly command: string;
}

const STEPS: readonly (readonly [title: string, step: (stage: Stage) => Promise<readonly string[]>])[] = [
  ['What runs', services],
  ['A call that is allowed', allowed],
  ['Two calls that are denied', denied],
  ['A split', split],
  ['Faults', faults],
  ['Metrics', metrics],
];

const SETTLE_MS = 15_000;

/**
 * Prints what is running and shows by real requests what it does. False: something was not as the files say, and the
 * text says what. Leaves nothing open.
 */
export async function runDemo(mesh: RunningMesh, terminal: Terminal): Promise<boolean> {
  const { style } = terminal;
  const caller = createCaller(mesh.running);
  let isAsDocumented = true;
  try {
    const settled = await mesh.running.settled(SETTLE_MS);
    if (!settled.settled) {
      terminal.err(`${style.err.red('not ready')}: ${settled.missing.join('; ')}\n`);
      return false;
    }
    for (const [title, step] of STEPS) {
      terminal.out(`\n${style.out.bold(title)}\n`);
      const wrong = await step({ mesh, caller, terminal });
      for (const line of wrong) terminal.out(`  ${style.out.red('× not as documented:')} ${line}\n`);
      isAsDocumented &&= wrong.length === 0;
    }
    terminal.out(next(mesh.command, style.out.bold));
  } finally {
    await caller.close();
  }
  return isAsDocumented;
}

const next = (command: string, bold: (text: string) => string): string => `
${bold('Try next')}
  ${command} curl --as default/curl http://productpage.bookinfo:9080/productpage
  ${command} explain --as bookinfo/reviews GET http://ratings.bookinfo:9080/ratings/0
  ${command} status -o wide
  edit the weights in examples/bookinfo/mesh/routes.yaml: an edit is live within a second
`;
