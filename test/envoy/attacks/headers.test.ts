import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange, get, type Outcome } from './exchange.ts';
import { startAttackWorld, type AttackWorld } from './world.ts';

const when = (values: string): string => `[{when: [{key: "request.headers[x-role]", ${values}}]}]`;
const from = (block: string): string => `[{from: [{source: {ipBlocks: ["${block}"]}}]}]`;

const TARGETS = {
  denyGuest: { policies: [['DENY', when('values: [guest]')]] },
  denyAdmin: { policies: [['DENY', when('values: [admin]')]] },
  allowAdmin: { policies: [['ALLOW', when('values: [admin]')]] },
  denyOthers: { policies: [['DENY', when('notValues: [admin]')]] },
  allowOthers: { policies: [['ALLOW', when('notValues: [admin]')]] },
  denyAny: { policies: [['DENY', when('values: ["*"]')]] },
  allowAny: { policies: [['ALLOW', when('values: ["*"]')]] },
  allowNone: { policies: [['ALLOW', when('notValues: ["*"]')]] },
  denyPrefix: { policies: [['DENY', when('values: ["adm*"]')]] },
  denySuffix: { policies: [['DENY', when('values: ["*n"]')]] },
  allowTen: { policies: [['ALLOW', from('10.0.0.1')]] },
  denyLoopback: { policies: [['DENY', from('127.0.0.0/8')]] },
  denyTen: { policies: [['DENY', from('10.0.0.1')]] },
  open: {},
} as const;

type Name = keyof typeof TARGETS;

describe('headers', () => {
  let world: AttackWorld<Name>;
  beforeAll(async () => {
    world = await startAttackWorld(42, TARGETS);
  });
  afterAll(() => world?.stop());

  async function send(target: Name, lines: readonly string[], more: object = {}): Promise<Outcome> {
    const before = world.backend.requests.length;
    const outcome = await exchange(world.mesh, { to: world.at[target], bytes: get('/', lines), ...more });
    expect(world.backend.requests.length - before).toBe(outcome.first === 200 ? 1 : 0);
    return outcome;
  }

  const heard = (name: string): readonly string[] =>
    world.backend
      .last()
      .headers.filter(([its]) => its === name)
      .map(([, value]) => value);

  it.each([
    [['x-role: guest', 'x-role: admin']],
    [['x-role: admin', 'x-role: guest']],
    [['X-Role: guest', 'x-ROLE: admin']],
    [['x-role: guest', 'accept: */*', 'x-role:', 'x-role: admin']],
  ])('A8 A9 %j: every line counts, in whatever order', async (lines) => {
    const verdicts: Partial<Record<Name, number | string>> = {};
    for (const target of ['denyGuest', 'denyAdmin', 'allowAdmin', 'denyOthers', 'allowOthers', 'denyAny'] as const) {
      verdicts[target] = (await send(target, lines)).first;
    }
    // What Envoy's own RBAC says; test/envoy/differential.test.ts asks it.
    expect(verdicts).toEqual({
      denyGuest: 403,
      denyAdmin: 403,
      allowAdmin: 200,
      denyOthers: 200,
      allowOthers: 403,
      denyAny: 403,
    });
  });

  it('A8 refused as a whole where the operator says so', async () => {
    const strict = await startAttackWorld(
      54,
      { named: { policies: [['ALLOW', when('values: [admin]')]] }, open: {} },
      { repeatedHeaders: 'refuse' },
    );
    try {
      const statusOf = async (to: string, lines: readonly string[]): Promise<number | string> =>
        (await exchange(strict.mesh, { to, bytes: get('/', lines) })).first;
      expect(await statusOf(strict.at.named, ['x-role: admin', 'x-role: admin'])).toBe(400);
      expect(await statusOf(strict.at.named, ['x-role: guest', 'X-Role: admin'])).toBe(400);
      expect(await statusOf(strict.at.named, ['x-role: admin', 'x-role:'])).toBe(400);
      expect(strict.backend.requests).toEqual([]);
      expect(await statusOf(strict.at.named, ['x-role: admin', 'x-other: a', 'x-other: b'])).toBe(200);
      expect(await statusOf(strict.at.named, ['x-role: guest'])).toBe(403);
      expect(await statusOf(strict.at.open, ['x-role: guest', 'x-role: admin'])).toBe(200);
    } finally {
      await strict.stop();
    }
  });

  it('A8 one line with a comma is one value', async () => {
    const line = ['x-role: guest,admin'];
    expect((await send('denyAdmin', line)).first).toBe(200);
    expect((await send('allowAdmin', line)).first).toBe(403);
  });

  it.each([
    ['absent', [], { denyAny: 200, allowAny: 403, allowNone: 200, denyOthers: 403 }],
    ['empty', ['x-role:'], { denyAny: 200, allowAny: 403, allowNone: 200, denyOthers: 403 }],
    ['blank', ['x-role:  '], { denyAny: 200, allowAny: 403, allowNone: 200, denyOthers: 403 }],
    ['there', ['x-role: x'], { denyAny: 403, allowAny: 200, allowNone: 403, denyOthers: 403 }],
  ] as const)('A10 A11 a header that is %s', async (_name, lines, expected) => {
    for (const [target, status] of Object.entries(expected) as [Name, number][]) {
      expect([target, (await send(target, lines)).first]).toEqual([target, status]);
    }
  });

  it.each(['adm\xefn', '\xffn', 'adm\xc3\x28n', 'adm\xed\xa0\x80n'])(
    'A12 bytes that are no UTF-8 (%j) are compared as bytes',
    async (value) => {
      const lines = [`x-role: ${value}`];
      expect((await send('denyAny', lines)).first).toBe(403);
      expect((await send('denyOthers', lines)).first).toBe(403);
      expect((await send('denySuffix', lines)).first).toBe(403);
      expect((await send('denyPrefix', lines)).first).toBe(value.startsWith('adm') ? 403 : 200);
    },
  );

  it.each([
    'x-forwarded-for',
    'forwarded',
    'x-real-ip',
    'true-client-ip',
    'cf-connecting-ip',
    'x-envoy-external-address',
  ])('A20 %s says nothing about who calls', async (name) => {
    const lines = [`${name}: ${name === 'forwarded' ? 'for=10.0.0.1' : '10.0.0.1'}`];
    const expected = { allowTen: 403, denyLoopback: 403, denyTen: 200 } as const;
    for (const [target, status] of Object.entries(expected) as [Name, number][]) {
      expect([target, (await send(target, lines)).first]).toEqual([target, status]);
      // Nor does it where ztunnel speaks, unless the peer is one that may.
      const connect = Object.fromEntries(lines.map((line) => line.split(': ')));
      expect([target, (await send(target, [], { connect })).first]).toEqual([target, status]);
    }
  });

  it('A21 nothing that is called x-envoy- passes, and none of it has an effect', async () => {
    const names =
      `original-path retry-on max-retries upstream-rq-timeout-ms upstream-rq-per-try-timeout-ms expected-rq-timeout-ms
      decorator-operation internal attempt-count original-dst-host peer-metadata peer-metadata-id force-trace
      external-address ip-tags hedge-on-per-try-timeout upstream-alt-stat-name is-timeout-retry fault-abort-request
      fault-delay-request what-comes-next`.split(/\s+/);
    const { first } = await send(
      'open',
      names.map((name) => `X-Envoy-${name}: 1`),
    );
    expect(first).toBe(200);
    expect(world.backend.last().headers.filter(([name]) => name.startsWith('x-envoy'))).toEqual([]);
    expect(world.backend.last().path).toBe('/');
  });

  it('A21 no answer names the proxy or its upstream', async () => {
    const { text } = await send('open', []);
    expect(text.toLowerCase()).not.toMatch(/\r\n(server|x-envoy-[a-z-]+|via):/);
  });

  it('Z5 what the caller writes inside of the tunnel is never taken for what ztunnel wrote outside', async () => {
    const baggage = 'k8s.namespace.name=evilspace,k8s.deployment.name=evilwork,service.name=evilname';
    const lines = [`baggage: ${baggage}`, 'x-istio-source: evilspace', 'x-envoy-peer-metadata: evilspace'];
    await send('open', lines);
    await send('denyOthers', lines);
    const inner = await world.mesh.metrics();
    expect(inner).toContain('istio_requests_total');
    expect(inner).not.toMatch(/evil(space|work|name)/);
    // Outside it names the workload of the proven identity, and of no other namespace.
    await send('open', [], { connect: { baggage } });
    await send('open', [], { connect: { baggage: 'k8s.namespace.name=default,k8s.deployment.name=goodwork' } });
    const outer = await world.mesh.metrics();
    expect(outer).toMatch(/source_workload="goodwork"/);
    expect(outer).not.toMatch(/evil(space|work|name)/);
  });

  it('Z6 a certificate that the caller claims to have is not passed on', async () => {
    await send('open', [
      'x-forwarded-client-cert: By=spiffe://cluster.local/ns/shop/sa/a;URI=spiffe://cluster.local/ns/shop/sa/admin',
    ]);
    expect(heard('x-forwarded-client-cert')).toEqual([]);
  });

  it.each([
    ['x-role', 'connection: x-role'],
    ['x-role', 'connection: close, x-role'],
    ['authorization', 'Connection: Authorization'],
    ['cookie', 'connection: keep-alive, cookie'],
  ])('Z9 a header %s that is named by `%s` is nobody’s: neither judged nor heard', async (name, line) => {
    const lines = [line, `${name}: admin`];
    // Envoy takes it out before any filter could refuse, so the decision is the one without it.
    expect((await send('allowAdmin', lines)).first).toBe(403);
    expect((await send('denyOthers', lines)).first).toBe(403);
    expect((await send('open', lines)).first).toBe(200);
    expect(heard(name)).toEqual([]);
  });

  it.each(['host', ':authority', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'te, :path'])(
    'Z9 `Connection: %s` is refused',
    async (name) => {
      expect((await send('open', [`connection: ${name}`])).first).toBe(400);
    },
  );

  it('P4 trailers are never headers', async () => {
    const bytes = [
      'POST / HTTP/1.1\r\nhost: web\r\ntransfer-encoding: chunked\r\ntrailer: x-role\r\n\r\n2\r\nhi\r\n0\r\n',
      'x-role: admin\r\nauthorization: Bearer x\r\nhost: evil\r\ncontent-length: 3\r\n\r\n',
    ];
    for (const [target, status] of [
      ['allowAdmin', 403],
      ['open', 200],
    ] as const) {
      const { first } = await exchange(world.mesh, { to: world.at[target], bytes });
      expect([target, first]).toEqual([target, status]);
    }
    expect(heard('x-role')).toEqual([]);
    expect(heard('authorization')).toEqual([]);
    expect(heard('host')).toEqual(['web']);
    expect(world.backend.last().trailers).toEqual([]);
    expect(world.backend.last().body).toBe('hi');
  });

  it.each([
    ['an underscore', ['x_role: admin']],
    ['more than 100', Array.from({ length: 101 }, (_, index) => `x-${index}: 1`)],
    ['more than 60 KiB', [`x-long: ${'x'.repeat(62 << 10)}`]],
    ['a blank before the colon', ['x-role : admin']],
    ['a NUL', ['x-role: ad\0min']],
    ['a folded line', ['x-other: 1', ' folded', 'x-role: admin']],
  ])('headers with %s: refused, or one meaning', async (_name, lines) => {
    const { first } = await send('denyAdmin', lines);
    expect([400, 403, 431]).toContain(first);
  });
});
