import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, type Bundle } from '../../test/bundle.ts';
import { capture } from './capture.ts';
import type { Command } from './command.ts';
import { Failure } from './failure.ts';
import { main } from './main.ts';

// The command line as a process: what a shell and a script see of it.

let built: Bundle;
beforeAll(async () => {
  built = await bundle();
}, 60_000);
afterAll(() => built.remove());

interface Spawned {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function portolan(args: readonly string[], environment: NodeJS.ProcessEnv = {}, input = ''): Spawned {
  const { FORCE_COLOR: _, NO_COLOR: __, ...inherited } = process.env;
  const env = { ...inherited, ...environment };
  const { status, stdout, stderr } = spawnSync(process.execPath, [built.path, ...args], {
    encoding: 'utf8',
    env,
    input,
  });
  return { status, out: stdout, err: stderr };
}

const service = (name: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\nspec:\n  clusterIP: 10.96.0.1\n`;

describe('the process', () => {
  it.each([
    [[], '', 0],
    [['help', 'run'], '', 0],
    [['version'], '', 0],
    [['chek'], '', 64],
    [['run'], '', 64],
    [['check', '--nope'], '', 64],
    [['check', '-f', '-'], service('web'), 0],
    [['check', '-f', '-'], service('-web'), 1],
    [['check', '-f', '/does/not/exist'], '', 65],
    [['status', '--state', '/does/not/exist'], '', 69],
    [['wait', '--state', '/does/not/exist', '--timeout', '100ms'], '', 75],
  ])('%j ends with its code', (args, input, status) => {
    const ended = portolan(args, {}, input);
    expect(ended.err).not.toContain('bug');
    expect(ended.status).toBe(status);
  });

  it('keeps data on standard output and messages on standard error', () => {
    const good = portolan(['help', 'codes']);
    expect(good.err).toBe('');
    expect(good.out).toContain('PTL1203');
    const bad = portolan(['status', '--state', '/does/not/exist']);
    expect(bad.out).toBe('');
    expect(bad.err).toMatch(/^error: no portolan runs/);
  });

  it('colours nothing that goes to a pipe, unless forced, and never against NO_COLOR', () => {
    const escape = '\u001b[';
    expect(portolan(['help']).out).not.toContain(escape);
    expect(portolan(['help'], { FORCE_COLOR: '1' }).out).toContain(escape);
    expect(portolan(['help'], { FORCE_COLOR: '1', NO_COLOR: '1' }).out).not.toContain(escape);
    expect(portolan(['help', '--no-color'], { FORCE_COLOR: '1' }).out).not.toContain(escape);
  });

  it('ends in peace when its reader has seen enough', () => {
    const line = `set -o pipefail; '${process.execPath}' '${built.path}' help codes | head -n 1`;
    const { status, stdout, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^PTL\d\dxx/);
  });
});

describe('an error', () => {
  const verb = (error: unknown): Command => ({
    name: 'break',
    group: 'Other',
    about: 'Breaks.',
    usage: ['break'],
    examples: [],
    flags: {},
    exits: [],
    see: [],
    load: async () => ({
      run: async () => {
        throw error;
      },
    }),
  });

  async function ended(error: unknown, ...args: readonly string[]): Promise<{ exit: number; err: string }> {
    const screen = capture();
    const exit = await main(['break', ...args], screen.terminal, [verb(error)]);
    return { exit, err: screen.err() };
  }

  it("of the user's is told by the template", async () => {
    const failure = new Failure(77, 'not allowed', { code: 'PTL2101', expected: 'a', came: 'b', next: 'c' });
    expect(await ended(failure)).toEqual({
      exit: 77,
      err: 'error PTL2101: not allowed\n  expected  a\n  came      b\n  next      c;  portolan help PTL2101\n',
    });
  });

  it('of a layer below keeps its advice', async () => {
    const guided = Object.assign(new Error('no Envoy\n  expected  …'), { expected: 'a', came: 'b', next: 'c' });
    const template = 'error: no Envoy\n  expected  a\n  came      b\n  next      c\n';
    expect(await ended(guided)).toEqual({ exit: 2, err: template });
    const told = new Error('no Envoy\n  expected  a\n  came      b\n  next      c');
    expect(await ended(told)).toEqual({ exit: 2, err: template });
  });

  it('of the system is no bug', async () => {
    const denied = Object.assign(new Error("EACCES: permission denied, open '/x'"), { code: 'EACCES' });
    expect(await ended(denied)).toEqual({ exit: 2, err: "error: EACCES: permission denied, open '/x'\n" });
  });

  it('that nobody expected is a bug: where to report it, and its stack only when asked', async () => {
    const bug = new TypeError('x is not a function');
    const { exit, err } = await ended(bug);
    expect(exit).toBe(70);
    expect(err).toContain('bug: x is not a function\n');
    expect(err).toMatch(/^ {2}report {4}as an issue of the project/m);
    expect(err).not.toContain('main.test.ts');
    expect((await ended(bug, '--verbose')).err).toContain('main.test.ts');
  });
});
