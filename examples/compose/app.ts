import { createServer } from 'node:http';
import { app, type AppName } from '../bookinfo/app.ts';

/**
 * One of Bookinfo's services in a container of its own: `app.js reviews-v2`. What it calls is reached through the
 * stand-in for ztunnel beside it, at addresses that the environment names. `idle` serves nothing: it keeps a network
 * namespace for a caller.
 */
const [name = 'idle', version = 'v1'] = (process.argv[2] ?? 'idle').split('-');

const outboundUrls: Readonly<Record<string, string | undefined>> = {
  details: process.env['DETAILS_URL'],
  reviews: process.env['REVIEWS_URL'],
  ratings: process.env['RATINGS_URL'],
};

const server = createServer(
  app(name as AppName, version, async (url, headers) => {
    const { hostname, pathname, host } = new URL(url);
    const base = outboundUrls[hostname];
    if (base === undefined) throw new Error(`no address is set for ${hostname}`);
    const answer = await fetch(new URL(pathname, base), { headers: { ...headers, host } });
    return { status: answer.status, body: await answer.text() };
  }),
);
server.listen(9080, '0.0.0.0');
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0));
