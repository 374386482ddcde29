import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Host } from './emulator.ts';
test('smoke', async () => {
  const vm = await Host.load(readFileSync('build/filters/empty.debug.wasm'));
  const root = vm.configure({ rootId: 'empty', pluginConfig: new Uint8Array(0) });
  const stream = root.request({ headers: { ':path': '/', ':method': 'GET', ':authority': 'a' } });
  console.log(stream.action, vm.logs, vm.traps);
  stream.end();
  expect(stream.action).toBe('continue');
});
