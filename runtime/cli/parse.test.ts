import { describe, expect, it } from 'vitest';
import { commands } from './commands.ts';
import { EXIT } from './exit.ts';
import { Failure } from './failure.ts';
import { parse } from './parse.ts';

const failure = (argv: readonly string[]): Failure => {
  try {
    parse(argv, commands);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error(`${argv.join(' ')} was taken`);
};

describe('parse', () => {
  it('gives values with their defaults, lists and words', () => {
    const parsed = parse(['check', '-f', 'a.yaml', '--file', '-', 'b/', '--fail-on=warning', '-q'], commands);
    expect(parsed?.command.name).toBe('check');
    expect(parsed?.positionals).toEqual(['b/']);
    expect(parsed?.values).toMatchObject({
      file: ['a.yaml', '-'],
      'fail-on': 'warning',
      output: 'text',
      quiet: true,
      verbose: false,
      namespace: undefined,
    });
  });

  it('takes flags before the verb, also those with a value', () => {
    const parsed = parse(['--state', '/tmp/s', '-q', 'status', '-o', 'wide'], commands);
    expect(parsed?.command.name).toBe('status');
    expect(parsed?.values).toMatchObject({ state: '/tmp/s', quiet: true, output: 'wide' });
  });

  it('leaves what follows -- as words', () => {
    expect(parse(['curl', '--', '--odd'], commands)?.positionals).toEqual(['--odd']);
  });

  it('has no verb in nothing, nor in flags alone', () => {
    expect(parse([], commands)).toBeUndefined();
    expect(parse(['-h'], commands)).toBeUndefined();
  });

  it.each([
    [['chek'], '"chek" is not a command of portolan', 'portolan check'],
    [['stat'], '"stat" is not a command of portolan', 'portolan status'],
    [['zzz'], '"zzz" is not a command of portolan', 'portolan help'],
    [['check', '--fail'], '"--fail" is not a flag of portolan check', 'portolan check --fail-on'],
    [['check', '--zzz'], '"--zzz" is not a flag of portolan check', 'portolan help check'],
    [['check', '-o', 'jsn'], '"jsn" is not a value of -o', '-o json'],
    [['check', '-o'], '-o needs a value', 'portolan help check'],
    [['check', '--quiet=1'], '--quiet takes no value', 'portolan help check'],
    [['check', '-o', 'json', '-o', 'short'], '-o is given twice', 'portolan help check'],
    [['check', '--constructor'], '"--constructor" is not a flag of portolan check', 'portolan help check'],
  ])('%j: %s', (argv, message, next) => {
    const { exit, message: came, details } = failure(argv);
    expect(exit).toBe(EXIT.usage);
    expect(came).toBe(message);
    expect(details.next).toBe(next);
  });

  it('uses no short flag for two things within a verb', () => {
    for (const { flags } of commands) {
      const shorts = Object.values(flags).flatMap(({ short }) => (short === undefined ? [] : [short]));
      expect(new Set(shorts).size).toBe(shorts.length);
      for (const taken of ['h', 'q', 'v']) expect(shorts).not.toContain(taken);
    }
  });
});
