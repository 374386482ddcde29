import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { capture } from '#cli/capture.ts';
import { normalizedPath } from '#cli/explain/path.ts';
import { main } from '#cli/main.ts';
import { PATH_NORMALIZATIONS } from '#model/path-normalization.ts';
import { documents, gateway, NAMESPACE, pod, policy, service } from './mesh/manifests.ts';
import { startTestMesh, type TestMesh } from './mesh/mesh.ts';

// What `explain` says of a path is what Envoy makes of it, whatever `run` was told.

const PATHS = [
  '/a//b/./c',
  '/a/../secret',
  '/a//../b',
  '/a/%2e%2e/b',
  '/%73ecret',
  '/a%20b',
  '/a%2Fb',
  '/a%5cb/..',
  '/a%2f..%2fb?x=%2f..//',
  '/a\\b',
];

describe.each(PATH_NORMALIZATIONS)('path normalization %s', (pathNormalization) => {
  let mesh: TestMesh;
  beforeAll(async () => {
    const base = documents(
      NAMESPACE,
      gateway(),
      service({ name: 'web', ip: '10.96.21.10' }),
      pod({ name: 'web-1', app: 'web', ip: '127.0.31.1' }),
      policy('secret', 'web', 'DENY', '[{to: [{operation: {paths: ["/secret"]}}]}]'),
    );
    mesh = await startTestMesh({ 'mesh.yaml': base }, { pathNormalization });
  });
  afterAll(() => mesh?.stop());

  it.each(PATHS)('%s', async (path) => {
    const expected = normalizedPath(path, pathNormalization);
    const before = mesh.pod('web-1').seen.length;
    const { status } = await mesh.call({ to: '10.96.21.10:80', path });
    const seen = mesh.pod('web-1').seen.slice(before);
    const answer = expected === undefined ? 400 : expected === '/secret' ? 403 : 200;
    expect({ status, seen: seen.map((one) => one.path) }).toEqual({
      status: answer,
      seen: answer === 200 ? [expected] : [],
    });
  });

  it('is what explain goes by, unless it is told another', async () => {
    const explain = async (
      ...more: readonly string[]
    ): Promise<{ decision: string; path: string; refused?: string }> => {
      const screen = capture('', { PORTOLAN_STATE: mesh.state });
      const url = 'http://web.shop/a%2Fb//c';
      await main(['explain', '--as', 'default/sleep', url, '--json', ...more], screen.terminal);
      return JSON.parse(screen.out()) as { decision: string; path: string; refused?: string };
    };
    const expected = normalizedPath('/a%2Fb//c', pathNormalization);
    expect(await explain()).toMatchObject({
      pathNormalization,
      decision: expected === undefined ? 'DENY' : 'ALLOW',
      path: expected ?? '/a%2Fb//c',
    });
    expect(await explain('--path-normalization', 'BASE')).toMatchObject({ decision: 'ALLOW', path: '/a%2Fb//c' });
  });
});
