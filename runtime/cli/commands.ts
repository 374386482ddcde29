import type { Command } from './command.ts';
import { certs } from './commands/certs.ts';
import { check } from './commands/check.ts';
import { completion } from './commands/completion.ts';
import { curl } from './commands/curl.ts';
import { diff } from './commands/diff.ts';
import { envoy } from './commands/envoy.ts';
import { explain } from './commands/explain.ts';
import { help } from './commands/help.ts';
import { run } from './commands/run.ts';
import { status } from './commands/status.ts';
import { translate } from './commands/translate.ts';
import { version } from './commands/version.ts';
import { wait } from './commands/wait.ts';
import { ztunnelPolicy } from './commands/ztunnel-policy.ts';

/** Every verb, in the order in which help lists them. */
export const commands: readonly Command[] = [
  run,
  wait,
  check,
  diff,
  translate,
  ztunnelPolicy,
  status,
  explain,
  curl,
  certs,
  envoy,
  completion,
  version,
  help,
];
