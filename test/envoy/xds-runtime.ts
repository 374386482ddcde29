import { cluster, endpoints, listener, policy, routes, snapshot } from './xds-world.ts';
import { createXdsServer } from '#xds/server.ts';

// A runtime that a test kills: serves one listener until it is told otherwise on standard input, and prints every
// event as a line of JSON. Arguments: socket, port.

const [, , path = '', port = ''] = process.argv;

const KEY = 'bookinfo/waypoint';
const world = (body: string) =>
  snapshot([
    listener('front', Number(port), { routes: 'front', policy: 'authz/front' }),
    routes('front', { body }),
    policy('authz/front', true),
    cluster('app'),
    endpoints('app', [Number(port)]),
  ]);

const server = createXdsServer({
  authorize: (node) => ({ key: node.key }),
  onEvent: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
});
server.setSnapshot(KEY, world('first'));
await server.listen(path);
process.stdout.write('{"kind":"listening"}\n');
process.stdin.setEncoding('utf8').on('data', (body: string) => server.setSnapshot(KEY, world(body.trim())));
