import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { kill } from './children.ts';
import { pinned } from './processor.ts';

/** What a load generator saw of one slice of time. */
export interface Driven {
  /** Answered with a status below 400. */
  readonly requests: number;
  readonly seconds: number;
  /** Other statuses, connections that failed and answers that did not come. */
  readonly failed: number;
}

/** Where a load goes: a port of loopback, and the file that its requests are in. */
export interface Target {
  readonly port: number;
  readonly requestFile: string;
  readonly connections: number;
}

/** Drives one port with keep-alive connections, each sending its next request when it has its answer. */
export interface Load {
  readonly tool: string;
  drive(target: Target, ms: number): Promise<Driven>;
}

/**
 * A file of requests, one a line with control character 1 in place of line ends. Both generators send them in random
 * order, whole as they are here, so that neither costs time in making them.
 */
export function writeRequests(path: string, requests: readonly string[]): void {
  writeFileSync(path, requests.map((request) => `${request.replaceAll('\r\n', '\u0001')}\n`).join(''));
}

/** A GET of HTTP/1.1 as text. */
export const getRequest = (path: string, headers: Readonly<Record<string, string>>): string =>
  [`GET ${path} HTTP/1.1`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n');

const SCRIPT = `-- Sends the requests of a file in random order; says READY, and prints the sums as one line.
local requests = {}
function init(args)
  for line in io.lines(args[1]) do requests[#requests + 1] = (line:gsub("\\1", "\\r\\n")) end
  math.randomseed(tonumber(args[2]))
  io.stderr:write("READY\\n")
end
function request() return requests[math.random(#requests)] end
function done(summary)
  local e = summary.errors
  io.write(string.format("SUM %d %d %d\\n", summary.requests, summary.duration, e.connect + e.read + e.write + e.timeout + e.status))
end
`;

/** wrk, pinned. Its durations are whole seconds; SIGINT ends it after any time with its sums printed. */
export function wrkLoad(folder: string, processor: number): Load {
  const script = join(folder, 'load.lua');
  writeFileSync(script, SCRIPT);
  let seed = 1;
  return {
    tool: 'wrk',
    async drive({ port, requestFile, connections }, ms) {
      const wrk = ['-t', '1', '-c', String(connections), '-d', '120s', '-s', script, `http://127.0.0.1:${port}/`];
      return run(pinned(processor, 'wrk', [...wrk, '--', requestFile, String(seed++)]), ms);
    },
  };
}

/** Where there is no wrk: a generator in Node, in a process of its own. It costs several times what wrk does. */
export function nodeLoad(script: string, processor: number): Load {
  return {
    tool: 'node',
    drive: async ({ port, requestFile, connections }, ms) =>
      run(pinned(processor, process.execPath, [script, String(port), requestFile, String(connections)]), ms),
  };
}

/** Starting and stopping; after it an end by force. */
const GRACE_MS = 20_000;

async function run([command, args]: [string, string[]], ms: number): Promise<Driven> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const forget = kill(child);
  const closed = once(child, 'close');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const force = setTimeout(() => child.kill('SIGKILL'), ms + GRACE_MS);
  while (
    child.exitCode === null &&
    child.signalCode === null &&
    !(output.includes('READY') && heedsInterrupt(child.pid))
  ) {
    await sleep(5);
  }
  const stop = setTimeout(() => child.kill('SIGINT'), ms);
  await closed;
  clearTimeout(stop);
  clearTimeout(force);
  forget();
  // wrk counts refusals among its requests.
  const [, requests, microseconds, failed] = /^SUM (\d+) (\d+) (\d+)$/m.exec(output) ?? [];
  if (requests === undefined) {
    throw new Error(`the load generator gave no sums (${child.exitCode ?? child.signalCode}): ${output.trim()}`);
  }
  return { requests: Number(requests) - Number(failed), seconds: Number(microseconds) / 1e6, failed: Number(failed) };
}

/** Whether SIGINT would be caught: before that it ends a generator without a word. */
function heedsInterrupt(pid: number | undefined): boolean {
  try {
    const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
    return (BigInt(`0x${mask}`) & 2n) !== 0n;
  } catch {
    // It ended.
    return false;
  }
}
