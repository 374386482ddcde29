import { stat } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { capture } from '#cli/capture.ts';
import { main } from '#cli/main.ts';
import { documents, gateway, NAMESPACE, pod, policy, service } from './mesh/manifests.ts';
import { startTestMesh, type TestMesh } from './mesh/mesh.ts';

// What a denied caller and the waypoint's owner learn of a denial: the id, the rule for those in the debug group and for
// nobody else, and what explain makes of it later.

const RULES = [
  '[{from: [{source: {principals: ["cluster.local/ns/default/sa/*"]}}], to: [{operation: {methods: [GET]}}]}',
  '{when: [{key: "request.headers[x-tier]", values: [gold]}, {key: "request.headers[x-api-token]", values: [s3cret]}]}]',
].join(', ');
const DENY = policy('no-admin', 'web', 'DENY', '[{to: [{operation: {paths: ["/admin*"]}}]}]');
const VIP = '10.96.9.10:80';

describe('a denial', () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startTestMesh(
      {
        'mesh.yaml': documents(
          NAMESPACE,
          gateway(),
          service({ name: 'web', ip: '10.96.9.10' }),
          pod({ name: 'web-1', app: 'web', ip: '127.0.19.1' }),
          policy('allow', 'web', 'ALLOW', RULES),
        ),
        'deny.yaml': DENY,
      },
      {
        explainTo: [
          { kind: 'exact', value: 'spiffe://cluster.local/ns/default/sa/debug' },
          { kind: 'prefix', value: 'spiffe://cluster.local/ns/ops/' },
        ],
      },
    );
  });
  afterAll(() => mesh?.stop());

  const header = (response: { readonly rawHeaders: readonly string[] }, name: string): string | undefined => {
    const at = response.rawHeaders.findIndex((one, index) => index % 2 === 0 && one.toLowerCase() === name);
    return at < 0 ? undefined : response.rawHeaders[at + 1];
  };

  async function explain(...args: readonly string[]): Promise<{ exit: number; out: string; err: string }> {
    const screen = capture('', { PORTOLAN_STATE: mesh.state });
    const exit = await main(['explain', ...args], screen.terminal);
    return { exit, out: screen.out(), err: screen.err() };
  }

  it('names its rule to the debug group, and to nobody else', async () => {
    for (const [as, path, told] of [
      ['default/debug', '/admin', 'rbac_access_denied_matched_policy[ns[shop]-policy[no-admin]-rule[0]]'],
      ['ops/any', '/', 'no rule allows it'],
      ['ops/any', '/admin', 'rbac_access_denied_matched_policy[ns[shop]-policy[no-admin]-rule[0]]'],
      ['default/debugger', '/admin', undefined],
      ['opsx/any', '/', undefined],
    ] as const) {
      const answer = await mesh.call({ to: VIP, as, path });
      expect([as, path, answer.status, header(answer, 'x-portolan-denied')]).toEqual([as, path, 403, told]);
      expect(header(answer, 'x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
    const allowed = await mesh.call({ to: VIP, as: 'default/debug' });
    expect([allowed.status, header(allowed, 'x-portolan-denied')]).toEqual([200, undefined]);
  });

  it('is explained by the id that its answer carries', async () => {
    const answer = await mesh.call({
      to: VIP,
      as: 'other/web',
      path: '/a/../b?token=in-the-query',
      headers: { 'x-tier': 'silver', 'x-api-token': 'in-a-header', authorization: 'Bearer in-the-open' },
    });
    const id = header(answer, 'x-request-id')!;
    const { exit, out } = await explain('--request-id', id);
    expect(exit).toBe(0);
    expect(out.replace(id, 'ID').replace(/at \S+Z, answered 403 in \d+ ms/, 'at TIME, answered 403 in N ms'))
      .toMatchInlineSnapshot(`
        "GET http://service/b  at TIME, answered 403 in N ms by shop/waypoint
          request  ID
          then     no rule allowed it
          now      the same
          unknown  the value of x-api-token is not kept: it may be secret, was too long, or no policy looked at it when the waypoint was started; below it counts as absent

        DENY 403 RBAC: access denied
          1 listener   web.shop.svc.cluster.local:80 at 10.96.9.10:80, http, waypoint shop/waypoint
          2 identity   spiffe://cluster.local/ns/other/sa/web from 127.0.0.1
          3 authz      no DENY matched (1 policy); no rule of 1 ALLOW policy matched
                       nearest shop/allow rule[0] misses:
                         from[0].principals: needs "spiffe://cluster.local/ns/default/sa/*", came "spiffe://cluster.local/ns/other/sa/web"
        "
      `);
    const seen = JSON.parse((await explain('--request-id', id, '--json')).out) as object;
    expect(seen).toMatchObject({
      request: { requestId: id, headers: [['x-tier', 'silver']], path: '/b', waypoint: 'shop/waypoint' },
      past: { decision: 'DENY' },
      now: { decision: 'DENY' },
      notKept: ['x-api-token'],
    });
  });

  it('keeps no secret and no query, in a file of its owner alone', async () => {
    const path = join(mesh.state, 'shop-waypoint', 'denials.log');
    const text = readFileSync(path, 'utf8');
    expect(text).toContain('silver');
    for (const secret of ['in-the-query', 'in-a-header', 'in-the-open']) expect(text).not.toContain(secret);
    expect(((await stat(path)).mode & 0o777).toString(8)).toBe('600');
  });

  it('is explained by what is in force now, too', async () => {
    await mesh.call({ to: VIP, path: '/admin/x' });
    const { out } = await explain(
      '--request-id',
      header(await mesh.call({ to: VIP, path: '/admin/x' }), 'x-request-id')!,
    );
    expect(out).toContain('then     DENY shop/no-admin rule[0]');
    expect(out).toContain('now      the same');
    await mesh.apply('deny.yaml', '');
    const { out: later } = await explain('--last');
    expect(later).toContain('then     DENY shop/no-admin rule[0]');
    expect(later).toMatch(/now {6}it would be allowed/);
    expect(later).toContain('ALLOW → web.shop:80');
  });

  it('is listed, but no request that was allowed', async () => {
    const before = JSON.parse((await explain('--list', '--json')).out) as { readonly denials: readonly object[] };
    await mesh.call({ to: VIP });
    const { out } = await explain('--list');
    expect(out).toMatch(/^TIME +REQUEST-ID +CALLER +REQUEST +WAYPOINT +DENIED-BY\n/);
    const after = JSON.parse((await explain('--list', '--json')).out) as { readonly denials: readonly object[] };
    expect(after.denials).toEqual(before.denials);
    expect((await explain('--request-id', 'nobody-has-it')).err).toContain(
      'no denied request has the id nobody-has-it',
    );
  });
});
