import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { app, type AppName, type Outbound } from './app.ts';

interface Served {
  readonly status: number;
  readonly by: string | null;
  readonly text: string;
}

/** One request to one service; its own calls go to `outbound`. */
async function get(
  name: AppName,
  version: string,
  path: string,
  outbound: Outbound = () => Promise.reject(new Error('nobody is asked')),
  headers: Readonly<Record<string, string>> = {},
): Promise<Served> {
  const server = createServer(app(name, version, outbound));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
    return { status: response.status, by: response.headers.get('x-served-by'), text: await response.text() };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** All of Bookinfo without a mesh: each service is asked directly, reviews in one version. */
const direct =
  (version: string): Outbound =>
  async (url, headers) => {
    const { hostname, pathname } = new URL(url);
    const { status, text } = await get(hostname as AppName, version, pathname, direct(version), headers);
    return { status, body: text };
  };

describe('Bookinfo', () => {
  it.each([
    ['v1', 0, ''],
    ['v2', 9, 'black'],
    ['v3', 9, 'red'],
  ])('shows reviews %s with %i stars %s', async (version, stars, color) => {
    const { status, text, by } = await get('productpage', 'v1', '/productpage', direct(version));
    expect(status).toBe(200);
    expect(by).toBe('productpage-v1');
    expect(text).toContain('The Comedy of Errors');
    expect(text.split('★').length - 1).toBe(stars);
    expect(text).toContain(color === '' ? '<i>Reviewer1</i> </blockquote>' : `color:${color}`);
  });

  it('says what is missing when a service does not answer', async () => {
    const down: Outbound = () => Promise.resolve({ status: 403, body: 'RBAC: access denied' });
    const { status, text } = await get('productpage', 'v1', '/productpage', down);
    expect(status).toBe(200);
    expect(text).toContain('details are not available');
    expect(text).toContain('reviews are not available');
    expect((await get('reviews', 'v2', '/reviews/0', down)).text).toContain('ratings are not available');
  });

  it('passes on who the user is, and nothing else', async () => {
    const seen: unknown[] = [];
    const outbound: Outbound = (_, headers) => {
      seen.push(headers);
      return Promise.resolve({ status: 500, body: '' });
    };
    await get('reviews', 'v3', '/reviews/0', outbound, { 'end-user': 'jason', cookie: 'secret' });
    expect(seen).toEqual([{ 'end-user': 'jason' }]);
  });

  it('answers 404 elsewhere, and 502 when a call cannot be made', async () => {
    for (const name of ['productpage', 'details', 'reviews', 'ratings'] as const) {
      expect((await get(name, 'v1', '/elsewhere')).status).toBe(404);
    }
    expect(await get('productpage', 'v1', '/productpage')).toMatchObject({ status: 502, text: 'nobody is asked\n' });
  });
});
