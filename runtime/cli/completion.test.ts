import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { capture } from './capture.ts';
import { commands } from './commands.ts';
import { main } from './main.ts';

async function script(shell: string): Promise<string> {
  const screen = capture();
  expect(await main(['completion', shell], screen.terminal)).toBe(0);
  return screen.out();
}

/** What bash offers for a line whose last word is being typed. */
async function offered(...words: string[]): Promise<readonly string[]> {
  const program = `${await script('bash')}
COMP_WORDS=(portolan ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}
_portolan; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', program], { encoding: 'utf8', cwd: import.meta.dirname });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((word) => word !== '');
}

describe('completion', () => {
  it('offers verbs, their flags and the values of those, in bash', async () => {
    expect(await offered('')).toEqual([...commands.map(({ name }) => name), '--help', '--version']);
    expect(await offered('ch')).toEqual(['check']);
    expect(await offered('check', '--fail')).toEqual(['--fail-on']);
    expect(await offered('check', '--fail-on', 'w')).toEqual(['warning']);
    expect(await offered('status', '-o', '')).toEqual(['table', 'wide', 'json', 'yaml', 'name']);
    expect(await offered('certs', 'i')).toEqual(expect.arrayContaining(['issue', 'inspect']));
    expect(await offered('check', 'parse.te')).toEqual(['parse.test.ts']);
  });

  it.each(['zsh', 'fish'])('names every verb and flag in %s', async (shell) => {
    const text = await script(shell);
    for (const { name, flags } of commands) {
      expect(text).toContain(name);
      for (const flag of Object.keys(flags)) expect(text).toContain(flag);
    }
  });

  it('asks for a shell that it knows', async () => {
    const screen = capture();
    expect(await main(['completion', 'constructor'], screen.terminal)).toBe(64);
    expect(screen.err()).toContain('one of: bash, zsh, fish');
  });
});
