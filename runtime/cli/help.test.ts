import { describe, expect, it } from 'vitest';
import { codes } from '#model/code.ts';
import { capture } from './capture.ts';
import { commands } from './commands.ts';
import { exitMeanings } from './exit.ts';
import { main } from './main.ts';

async function portolan(...argv: string[]): Promise<{ exit: number; out: string; err: string }> {
  const screen = capture();
  const exit = await main(argv, screen.terminal);
  return { exit, out: screen.out(), err: screen.err() };
}

describe('help', () => {
  it('teaches on its first screen', async () => {
    const { exit, out, err } = await portolan();
    expect(exit).toBe(0);
    expect(err).toBe('');
    expect(out).toMatchInlineSnapshot(`
      "Portolan, a waypoint for Istio ambient mesh.

        portolan run --demo                       Bookinfo behind a waypoint, shown by real requests
        portolan run -f mesh/                     run a waypoint from files on this machine
        portolan curl --as app/web http://reviews.app:9080/
        portolan explain --as app/web GET http://reviews.app:9080/

      Waypoint
        run             Runs waypoints on this machine from files: Envoy, its configuration, a development CA.
        wait            Returns when every connected Envoy has accepted what is in the files of a running portolan.
        check           Reads resources and says what is wrong with them, where, and what traffic would do.
        diff            Says which requests two sets of resources decide differently: newly allowed, newly denied, and by what.
        translate       Prints what resources become: Envoy configuration, the model, or the programs of the filters.
        ztunnel-policy  Prints policies by which ztunnel lets only the waypoint in to the pods of enrolled services.

      Look
        status          Shows waypoints, what is attached to them, and whether Envoy has accepted it.
        explain         Says what a waypoint does with a request, and why: identity, policy and rule, route, backends.
        curl            Sends one request over real HBONE as any identity, and says in one line what the waypoint did.

      Other
        certs           Issues development certificates for any identity, and shows what is in a certificate.
        envoy           Finds the Envoy that would run, fetching it if there is none, and prints its path.
        completion      Prints a completion script for a shell.
        version         Prints the version of portolan.
        help            Explains a command, or a code of a finding.

      Use "portolan help <command>", "portolan help codes" or -h.
      "
    `);
    expect((await portolan('help')).out).toBe(out);
    expect((await portolan('--help')).out).toBe(out);
  });

  it('shows usage, examples, flags, exit codes and where to go on', async () => {
    const { exit, out } = await portolan('wait', '--help');
    expect(exit).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "Returns when every connected Envoy has accepted what is in the files of a running portolan.

      Usage
        portolan wait [--waypoint NS/NAME] [--timeout 30s] [--state FOLDER]

      Examples
        # go on when the waypoint serves
        portolan run -f mesh/ & portolan wait
        # the other waypoints may take their time
        portolan wait --waypoint app/wp
        # go on when the edit is in force
        cp canary.yaml mesh/ && portolan wait --timeout 5s

      Flags
            --waypoint NS/NAME  wait for this waypoint alone (default: every one)
            --timeout DURATION  how long to wait: 500ms, 30s, 2m (default 30s)
            --state FOLDER      state folder of the running portolan (default: PORTOLAN_STATE, or one for this user)

      Output
            --json              print as JSON

      Common flags
        -h, --help              show help of this command
        -q, --quiet             say nothing but data and errors
        -v, --verbose           say more; a bug shows its stack
            --no-color          no colours, as NO_COLOR does

      The files are read again at once, so an edit made before the command is always part of what is waited for.

      Exit codes
        0   everything is accepted
        75  not in time; what is missing is printed

      See also: portolan help status, portolan help check
      "
    `);
    expect((await portolan('help', 'wait')).out).toBe(out);
  });

  it.each(commands.map((command) => [command.name, command] as const))('%s is whole', async (name, command) => {
    const { out } = await portolan('help', name);
    expect(command.about).toMatch(/\.$/);
    expect(command.usage[0]).toMatch(new RegExp(`^${name}`));
    expect(command.examples.length).toBeGreaterThan(0);
    for (const [line] of command.examples) expect(line).toContain('portolan');
    for (const other of command.see) expect(commands.map((one) => one.name)).toContain(other);
    for (const [exit] of command.exits) expect(exitMeanings[exit]).toBeDefined();
    for (const flag of Object.keys(command.flags)) expect(out).toContain(`--${flag}`);
    for (const line of out.split('\n')) expect(line).toBe(line.trimEnd());
  });

  it('lists every code, and explains each', async () => {
    const { out } = await portolan('help', 'codes');
    for (const [code, meaning] of Object.entries(codes)) {
      expect(out).toContain(`  ${code}  ${meaning}\n`);
      expect((await portolan('help', code)).out).toContain(`${code}  ${meaning}\n`);
    }
    expect((await portolan('help', 'ptl1203')).out).toBe((await portolan('help', '1203')).out);
  });

  it.each([
    ['PTL9999', 'portolan help codes'],
    ['chekc', 'portolan help check'],
    ['whatever', 'portolan help'],
  ])('%s: there is none, and what to do', async (topic, next) => {
    const { exit, out, err } = await portolan('help', topic);
    expect(exit).toBe(64);
    expect(out).toBe('');
    expect(err).toContain(`there is no help about "${topic}"`);
    expect(err).toContain(`next      ${next}`);
  });

  it('says its version', async () => {
    expect((await portolan('--version')).out).toMatch(/^portolan \d+\.\d+\.\d+\n$/);
    expect(JSON.parse((await portolan('version', '--json')).out)).toMatchObject({
      apiVersion: 'portolan.dev/v1',
      node: process.versions.node,
    });
  });

  it('reports a mistake on standard error with exit 64', async () => {
    const { exit, out, err } = await portolan('chek');
    expect({ exit, out, err }).toMatchInlineSnapshot(`
      {
        "err": "error: "chek" is not a command of portolan
        next      portolan check
      ",
        "exit": 64,
        "out": "",
      }
    `);
  });
});
