// A program that supervises an Envoy and does nothing else; proxy-process.test.ts ends it in various ways.

import { bootstrap } from '#proxy/bootstrap.ts';
import { findEnvoy } from '#proxy/find.ts';
import { stopOnSignals } from '#proxy/signals.ts';
import { envoyFiles } from '#proxy/state.ts';
import { supervise } from '#proxy/supervise.ts';

const [, , folder = '', xdsSocket = '', port = ''] = process.argv;
const supervisor = await supervise({
  folder,
  binary: await findEnvoy(),
  bootstrap: bootstrap({
    namespace: 'bookinfo',
    name: 'waypoint',
    instance: 'test',
    xdsSocket,
    adminSocket: envoyFiles(folder).adminSocket,
    prometheus: { address: '127.0.0.1', port: Number(port) },
    maxHeapBytes: 1 << 30,
  }),
  concurrency: 1,
  onLog: () => undefined,
  onEvent: ({ kind }) => process.stdout.write(`${kind}\n`),
});
stopOnSignals(supervisor, { drainMs: 2_000 });
await supervisor.ready();
process.stdout.write(`ready ${supervisor.pid()}\n`);
process.stdin.once('data', () => {
  throw new Error('an error that nobody catches');
});
