import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { meshFolder } from '../../examples/bookinfo/mesh-folder.ts';
import { capture } from './capture.ts';
import { main } from './main.ts';

// Verbs in this process, on real files: what they print and how they end.

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portolan-cli-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

async function portolan(argv: readonly string[], input = ''): Promise<Ended> {
  const screen = capture(input, { PORTOLAN_STATE: join(folder, 'state') });
  const exit = await main(argv, screen.terminal);
  return { exit, out: screen.out(), err: screen.err() };
}

const service = `apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: app
spec:
  clusterIP: 10.96.0.1
  ports:
  - name: http
    port: 80
    prot: TCP
`;

describe('check', () => {
  it('finds nothing in Bookinfo', async () => {
    const { exit, out, err } = await portolan(['check', '-f', meshFolder()]);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    expect(out).toMatch(/^\d+ resources: nothing found\. Exit 0\.\n$/);
  });

  it('says what is wrong where, by the template', async () => {
    const { exit, out } = await portolan(['check', '-f', '-'], service);
    expect(exit).toBe(1);
    expect(out).toMatch(/^error PTL11\d\d: .*"prot"/m);
    expect(out).toMatch(/^ {2}at {8}-:\d+:\d+ {2}Service app\/web {2}spec\.ports\[0\]\.prot$/m);
    expect(out).toMatch(/^ {2}next {6}.*portolan help PTL11\d\d$/m);
    expect(out).toMatch(/1 error.*Exit 1\.\n$/);
  });

  it('gives editors, GitHub and programs their forms', async () => {
    const short = await portolan(['check', '-', '-o', 'short'], service);
    expect(short.out).toMatch(/^-:11:5: error PTL11\d\d: .*\n/);
    const github = await portolan(['check', '-', '-o', 'github'], service);
    expect(github.out).toMatch(/^::error file=-,line=11,col=5,title=PTL11\d\d::/);
    const { out } = await portolan(['check', '-', '--json'], service);
    const report = JSON.parse(out) as { categories: { name: string; checks: object[] }[] };
    expect(report).toMatchObject({ apiVersion: 'portolan.dev/v1', success: false, summary: { errors: 1 } });
    const schema = report.categories.find(({ name }) => name === 'schema');
    expect(schema?.checks[0]).toMatchObject({
      level: 'error',
      result: 'error',
      file: '-',
      line: 11,
      column: 5,
      path: 'spec.ports[0].prot',
    });
  });

  it('fails at the level that is asked for', async () => {
    const exits = ['error', 'warning', 'info', 'never'].map(
      async (level) => (await portolan(['check', '-', '--fail-on', level], service)).exit,
    );
    expect(await Promise.all(exits)).toEqual([1, 1, 1, 0]);
  });

  it('ends with 65 when a path is not there, and 64 without one', async () => {
    const { exit, err } = await portolan(['check', '-f', join(folder, 'none.yaml')]);
    expect(exit).toBe(65);
    expect(err).toContain('none.yaml cannot be read');
    expect((await portolan(['check'])).exit).toBe(64);
  });
});

describe('translate', { timeout: 60_000 }, () => {
  it('prints configuration, model and programs, the same each time', async () => {
    const args = ['translate', '-f', meshFolder()];
    for (const [form, part] of [
      ['yaml', 'connect_terminate'],
      ['json', '"Listener"'],
      ['model', 'waypoints:'],
      ['programs', '# authz/reviews.bookinfo.svc.cluster.local:9080'],
    ] as const) {
      const [first, second] = [await portolan([...args, '-o', form]), await portolan([...args, '-o', form])];
      expect(first).toMatchObject({ exit: 0, err: '' });
      expect(first.out).toContain(part);
      expect(first.out).toBe(second.out);
    }
  });

  it('knows which waypoints there are', async () => {
    const { exit, err } = await portolan(['translate', '-f', meshFolder(), 'bookinfo/other']);
    expect(exit).toBe(2);
    expect(err).toContain('expected  one of: bookinfo/waypoint');
    expect((await portolan(['translate', '-f', meshFolder(), 'other'])).exit).toBe(64);
  });
});

describe('explain', { timeout: 30_000 }, () => {
  const explain = (...args: readonly string[]): Promise<Ended> => portolan(['explain', '-f', meshFolder(), ...args]);
  const productpage = 'http://productpage.bookinfo:9080/productpage';

  it('follows a request that is denied to the rule that nearly allowed it', async () => {
    const { exit, out } = await explain('--as', 'default/curl', 'POST', productpage, '--expect', 'deny');
    expect(exit).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "DENY 403 RBAC: access denied
        1 listener   productpage.bookinfo.svc.cluster.local:9080 at 10.96.1.10:9080, http, waypoint bookinfo/waypoint
        2 identity   spiffe://cluster.local/ns/default/sa/curl from 127.0.0.1
        3 authz      no DENY matched (1 policy); no rule of 1 ALLOW policy matched
                     nearest bookinfo/productpage-waypoint rule[0] misses:
                       to[0].methods: needs "GET", came "POST"
      "
    `);
  });

  it('follows a request that is allowed to its backends, past the routes that it missed', async () => {
    const { exit, out } = await explain(
      '--as',
      'bookinfo/reviews',
      'http://ratings:9080/ratings/0',
      '-H',
      'end-user: anna',
    );
    expect(exit).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "ALLOW → ratings.bookinfo:9080
        1 listener   ratings.bookinfo.svc.cluster.local:9080 at 10.96.1.40:9080, http, waypoint bookinfo/waypoint
        2 identity   spiffe://cluster.local/ns/bookinfo/sa/reviews from 127.0.1.31
        3 authz      no DENY matched (1 policy); ALLOW bookinfo/ratings rule[0]
        4 route      VirtualService bookinfo/ratings rule[1] prefix "/", header end-user exact "anna"
                     lost: VirtualService bookinfo/ratings rule[0]: header end-user exact "jason", came "anna"
        5 fault      delay 400 ms for 100%
        6 backend    ratings.bookinfo:9080 weight 1 (100%), 1 endpoint
      "
    `);
  });

  it('is a test when told what to expect', async () => {
    expect(await explain('--as', 'default/curl', productpage, '--expect', 'allow')).toMatchObject({ exit: 0, err: '' });
    const { exit, err } = await explain('--as', 'default/curl', productpage, '--expect', 'deny');
    expect({ exit, err }).toEqual({ exit: 1, err: 'expected DENY, came ALLOW\n' });
  });

  it('loses nothing in JSON', async () => {
    const { out } = await explain('--as', 'bookinfo/productpage', 'http://reviews:9080/reviews/0', '--json');
    expect(JSON.parse(out)).toMatchObject({
      apiVersion: 'portolan.dev/v1',
      decision: 'ALLOW',
      authority: '10.96.1.30:9080',
      authz: { decidedBy: { action: 'ALLOW', namespace: 'bookinfo', name: 'reviews', rule: 0 } },
      route: { origin: { kind: 'HTTPRoute', rule: 0 } },
      backends: [
        { backend: 'reviews-v1.bookinfo:9080', share: 0.9 },
        { backend: 'reviews-v2.bookinfo:9080', share: 0.1 },
      ],
    });
  });

  it.each([
    [['GET', productpage], 64, 'who calls'],
    [['--as', 'default/curl'], 64, 'needs a method and a URL'],
    [['--as', 'nobody', productpage], 64, '"nobody" is not an identity'],
    [['--as', 'a/b', 'http://revews.bookinfo:9080/'], 2, 'reviews.bookinfo'],
    [['--as', 'a/b', productpage, '-H', 'bad header'], 64, 'is not a header'],
    [['--as', 'a/b', productpage, '--source-ip', 'here'], 64, '"here" is not an address'],
  ])('%j ends with %i', async (args, status, words) => {
    const { exit, out, err } = await explain(...args);
    expect({ exit, out }).toEqual({ exit: status, out: '' });
    expect(err).toContain(words);
  });
});

describe('certs', () => {
  it('issues for any identity, from one CA, with a key that only its owner reads', async () => {
    const out = join(folder, 'web');
    const issued = await portolan(['certs', 'issue', 'ns/app/sa/web', '--out', out, '--ttl', '1h']);
    expect(issued).toMatchObject({ exit: 0, out: `${out}/tls.crt\n${out}/tls.key\n${out}/ca.crt\n` });
    expect(issued.err).toContain('spiffe://cluster.local/ns/app/sa/web, until ');
    expect((await stat(join(out, 'tls.key'))).mode & 0o777).toBe(0o600);

    await portolan(['certs', 'issue', 'app/other', '--out', join(folder, 'other')]);
    const roots = [out, join(folder, 'other')].map((path) => readFile(join(path, 'ca.crt'), 'utf8'));
    const [first, second] = await Promise.all(roots);
    expect(first).toBe(second);

    const inspected = await portolan(['certs', 'inspect', `${out}/tls.crt`, '--root', `${out}/ca.crt`, '--json']);
    expect(inspected.exit).toBe(0);
    expect(JSON.parse(inspected.out)).toMatchObject({
      certificates: [{ identity: 'spiffe://cluster.local/ns/app/sa/web', status: 'valid' }],
    });
    expect((await portolan(['certs', 'inspect', `${out}/tls.crt`])).out).toContain('not checked');
  });

  it('says by its exit code that a certificate is no good', async () => {
    await portolan(['certs', 'issue', 'app/web', '--out', join(folder, 'a')]);
    const other = capture('', { PORTOLAN_STATE: join(folder, 'another') });
    await main(['certs', 'issue', 'app/web', '--out', join(folder, 'b')], other.terminal);
    const { exit, out } = await portolan([
      'certs',
      'inspect',
      join(folder, 'a/tls.crt'),
      '--root',
      join(folder, 'b/ca.crt'),
    ]);
    expect(exit).toBe(1);
    expect(out).toContain('untrusted');
    await writeFile(join(folder, 'odd.pem'), 'nothing');
    expect((await portolan(['certs', 'inspect', join(folder, 'odd.pem')])).exit).toBe(65);
  });

  it.each([
    [['certs'], 64],
    [['certs', 'isue'], 64],
    [['certs', 'issue', 'app/web'], 64],
    [['certs', 'issue', 'app/web', '--out', 'x', '--ttl', 'long'], 64],
    [['certs', 'issue', 'spiffe://other/ns/a/sa/b', '--out', 'x'], 77],
    [['certs', 'inspect', '/does/not/exist'], 2],
    [['certs', 'list'], 69],
  ])('%j ends with %i', async (args, status) => {
    expect((await portolan(args)).exit).toBe(status);
  });
});

describe('without a running portolan', () => {
  it.each([
    [['status'], 69],
    [['explain', '--as', 'a/b', 'http://x/'], 69],
    [['translate'], 69],
    [['curl', '--as', 'a/b', 'http://x/'], 69],
    [['wait', '--timeout', '150ms'], 75],
  ])('%j ends with %i and says what to do', async (args, status) => {
    const { exit, out, err } = await portolan(args);
    expect({ exit, out }).toEqual({ exit: status, out: '' });
    expect(err).toMatch(/^error: .*\n/);
    expect(err).toMatch(/^ {2}next {6}portolan /m);
  });

  it('status of files is shown all the same', async () => {
    const { exit, out } = await portolan(['status', '-f', meshFolder(), '-o', 'wide']);
    expect(exit).toBe(0);
    expect(out).toMatch(/^bookinfo {3}waypoint {2}- +7 svc +2 +6 +-/m);
    expect(out).toMatch(/^svc\/bookinfo\/reviews +9080 +http +10\.96\.1\.30 +bookinfo\/waypoint/m);
    const names = await portolan(['status', '-f', meshFolder(), '-o', 'name']);
    expect(names.out).toBe('waypoint/bookinfo/waypoint\n');
    const empty = await portolan(['status', '-f', meshFolder(), '-n', 'other']);
    expect(empty).toMatchObject({ exit: 0, out: '', err: 'no waypoints found\n' });
  });
});
