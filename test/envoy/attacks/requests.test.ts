import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange, get, openTunnel, type Outcome } from './exchange.ts';
import { block, DATA, END_HEADERS, END_STREAM, frame, HEADERS, Http2Peer, request, RST_STREAM, u32 } from './frames.ts';
import type { Answer, Fields } from './frames.ts';
import { startAttackWorld, type AttackWorld } from './world.ts';

const TARGETS = {
  open: {},
  deny: { policies: [['DENY', '[{to: [{operation: {paths: ["/admin*"]}}]}]']] },
} as const;

let world: AttackWorld<keyof typeof TARGETS>;
beforeAll(async () => {
  world = await startAttackWorld(43, TARGETS);
});
afterAll(() => world?.stop());

/** Takes ten seconds, so it runs beside everything else; the last test looks at it. */
let slow: Promise<Outcome & { readonly ms: number }>;
beforeAll(() => {
  const began = Date.now();
  const drops = Array.from({ length: 24 }, () => ['x', 500]).flat();
  const bytes = ['GET /slow HTTP/1.1\r\nhost: web\r\nx: ', ...drops];
  slow = exchange(world.mesh, { to: world.at.open, bytes, until: 'close' }).then((outcome) => ({
    ...outcome,
    ms: Date.now() - began,
  }));
});

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nhost: web\r\n\r\n';

const post = (lines: readonly string[], body: string, path = '/case'): string =>
  [`POST ${path} HTTP/1.1`, 'host: web', ...lines, '', body].join('\r\n');

const CHUNKED = 'transfer-encoding: chunked';

type Row = readonly [name: string, bytes: string];

const REFUSED: readonly Row[] = [
  ['CL.TE', post([CHUNKED, 'content-length: 5'], `0\r\n\r\n${SMUGGLED}`)],
  ['TE.CL', post(['content-length: 4', CHUNKED], `5c\r\n${SMUGGLED}\r\n0\r\n\r\n`)],
  ['TE.TE', post([CHUNKED, 'transfer-encoding: identity'], `0\r\n\r\n${SMUGGLED}`)],
  ['chunked twice', post(['transfer-encoding: chunked, chunked'], `0\r\n\r\n${SMUGGLED}`)],
  ['chunked after a vertical tab', post(['transfer-encoding: \x0bchunked'], `0\r\n\r\n${SMUGGLED}`)],
  ['another coding', post(['transfer-encoding: xchunked'], `0\r\n\r\n${SMUGGLED}`)],
  ['a coding and chunked', post(['transfer-encoding: gzip, chunked'], `0\r\n\r\n${SMUGGLED}`)],
  ['a blank before the colon', post(['transfer-encoding : chunked'], `0\r\n\r\n${SMUGGLED}`)],
  ['two lengths that differ', post(['content-length: 0', 'content-length: 38'], SMUGGLED)],
  ['two lengths that are equal', post(['content-length: 2', 'content-length: 2'], `hi${SMUGGLED}`)],
  ['a list of lengths', post(['content-length: 0, 38'], SMUGGLED)],
  ['a signed length', post(['content-length: +0'], SMUGGLED)],
  ['a hexadecimal length', post(['content-length: 0x0'], SMUGGLED)],
  ['a negative length', post(['content-length: -1'], SMUGGLED)],
  ['a length that is none', post(['content-length: a'], SMUGGLED)],
  ['a length beyond 64 bits', post(['content-length: 18446744073709551617'], SMUGGLED)],
  ['no version (HTTP/0.9)', 'GET /case\r\n\r\n'],
  ['HTTP/1.0', 'GET /case HTTP/1.0\r\nhost: web\r\n\r\n'],
  ['a lower case method', 'get /case HTTP/1.1\r\nhost: web\r\n\r\n'],
  ['an unknown method', 'GXT /case HTTP/1.1\r\nhost: web\r\n\r\n'],
];

const BAD_CHUNKS: readonly Row[] = [
  ['a line end in an extension', '1;ext\nx\r\n0\r\n\r\n'],
  ['a CR alone behind a size', '1\rX\r\na\r\n0\r\n\r\n'],
  ['17 digits', 'f0000000000000001\r\na\r\n0\r\n\r\n'],
  ['a hexadecimal prefix', '0x1\r\na\r\n0\r\n\r\n'],
  ['a sign', '+1\r\na\r\n0\r\n\r\n'],
  ['no line end behind the data', '1\r\naX0\r\n\r\n'],
  ['no size', '\r\na\r\n0\r\n\r\n'],
  ['trailers of 1 MiB', `0\r\nx: ${'y'.repeat(1 << 20)}\r\n\r\n`],
].map(([name = '', body = '']): Row => [`chunks with ${name}`, post([CHUNKED], body + SMUGGLED)]);

/** Refused or not: what was judged is what is heard, and nothing of it is another request. */
const LENIENT: readonly Row[] = [
  ['line ends of one byte', 'GET /case HTTP/1.1\nhost: web\n\n'],
  ['a CR in a value', 'GET /case HTTP/1.1\r\nhost: web\r\nx: a\rGET /smuggled HTTP/1.1\r\n\r\n'],
  ['empty lines before', '\r\n\r\nGET /case HTTP/1.1\r\nhost: web\r\n\r\n'],
  ['a blank in the path', 'GET /case /smuggled HTTP/1.1\r\nhost: web\r\n\r\n'],
  ['a version of its own', 'GET /case HTTP/1.2\r\nhost: web\r\n\r\n'],
  ['a body of a GET', `GET /case HTTP/1.1\r\nhost: web\r\ncontent-length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`],
];

describe('HTTP/1.1 in the tunnel', () => {
  /** Envoy leaves a refused connection a second, so all are tried at once, each with paths of its own. */
  const outcomes = new Map<string, Promise<Outcome>>();
  const mark = (name: string): string => `-${createHash('sha256').update(name).digest('hex').slice(0, 12)}`;
  beforeAll(async () => {
    for (const [name, bytes] of [...REFUSED, ...BAD_CHUNKS, ...LENIENT]) {
      const own = bytes.replaceAll(/\/(case|smuggled)/g, `/$1${mark(name)}`);
      outcomes.set(name, exchange(world.mesh, { to: world.at.open, bytes: own, until: 'close', waitMs: 2_500 }));
    }
    await Promise.all(outcomes.values());
  });

  const heard = (name: string): readonly string[] =>
    world.backend.requests.filter(({ path }) => path.includes(mark(name))).map(({ path }) => path);

  it.each(REFUSED)('P1 %s: refused, and the connection ends', async (name) => {
    const outcome = await outcomes.get(name);
    expect([400, 426, 501, 'closed']).toContain(outcome?.first);
    expect({ closed: outcome?.closed, heard: heard(name) }).toEqual({ closed: true, heard: [] });
  });

  it.each(BAD_CHUNKS)('P2 %s: refused, and the connection ends', async (name) => {
    const outcome = await outcomes.get(name);
    expect([400, 413, 431, 502, 503, 'closed']).toContain(outcome?.first);
    expect({ closed: outcome?.closed, heard: heard(name) }).toEqual({ closed: true, heard: [] });
  });

  it.each(LENIENT)('P1 %s: refused, or the one request that was judged', async (name) => {
    const outcome = await outcomes.get(name);
    expect([200, 400, 426, 'closed']).toContain(outcome?.first);
    expect(heard(name)).toEqual(outcome?.first === 200 ? [`/case${mark(name)}`] : []);
  });

  const EARLY: readonly (readonly [name: string, bytes: readonly (string | number)[]])[] = [
    ['bytes that are no chunk', [post([CHUNKED], 'zz\r\n', '/admin'), SMUGGLED]],
    ['a chunk without its end', [post([CHUNKED], '1\r\naX', '/admin'), SMUGGLED]],
    ['a body that does not come', [post(['content-length: 10'], '', '/admin'), 50, SMUGGLED]],
    ['half a body', [post(['content-length: 100'], 'x'.repeat(20), '/admin'), 50, SMUGGLED.repeat(3)]],
  ];

  it('P2 a denial before the end of a body ends the connection', async () => {
    const before = world.backend.requests.length;
    const tried = await Promise.all(
      EARLY.map(([, bytes]) => exchange(world.mesh, { to: world.at.deny, bytes, until: 'close', waitMs: 2_500 })),
    );
    const found = tried.map(({ statuses, closed }, index) => ({ name: EARLY[index]?.[0], statuses, closed }));
    expect(found).toEqual(EARLY.map(([name]) => ({ name, statuses: [403], closed: true })));
    expect(world.backend.requests.length).toBe(before);
  });

  it('Z4 requests one behind the other are judged one by one', async () => {
    const before = world.backend.requests.length;
    const bytes = get('/a', ['x-id: 1']) + get('/admin') + get('/b', ['x-id: 3'], 'other') + get('/admin/2');
    const { statuses, closed } = await exchange(world.mesh, { to: world.at.deny, bytes, until: 4 });
    // Envoy closes behind a refusal that others were waiting behind; they are asked anew.
    expect(statuses.slice(0, 2)).toEqual([200, 403]);
    expect(statuses.length === 4 || closed).toBe(true);
    expect(['/a', '/b']).toEqual(expect.arrayContaining(world.backend.requests.slice(before).map(({ path }) => path)));
    const calm = [get('/admin'), 30, get('/b'), 30, get('/admin'), 30, get('/c')];
    expect((await exchange(world.mesh, { to: world.at.deny, bytes: calm, until: 4 })).statuses).toEqual([
      403, 200, 403, 200,
    ]);
  });

  it('P5 a denied request gets no 100, and its application hears nothing', async () => {
    const before = world.backend.connections();
    const denied = post(['expect: 100-continue', 'content-length: 5'], '', '/admin');
    const { statuses } = await exchange(world.mesh, { to: world.at.deny, bytes: denied });
    expect(statuses).toEqual([403]);
    expect(world.backend.bytes()).not.toContain('/admin');
    const served = [post(['expect: 100-continue', 'content-length: 5'], '', '/upload'), 100, 'hello'];
    const allowed = await exchange(world.mesh, { to: world.at.deny, bytes: served, until: 2 });
    expect(allowed.statuses).toEqual([100, 200]);
    expect(world.backend.connections()).toBeGreaterThanOrEqual(before);
    const foreign = await exchange(world.mesh, { to: world.at.deny, bytes: get('/x', ['expect: foo']) });
    expect([200, 417]).toContain(foreign.first);
  });
});

const MALFORMED: readonly (readonly [name: string, fields: Fields])[] = [
  ['a CR and LF in a value', request('/p3', [['x', 'a\r\nx-role: admin']])],
  ['a LF in a value', request('/p3', [['x', 'a\nb']])],
  ['a NUL in a value', request('/p3', [['x', 'a\0b']])],
  ['a CR in a name', request('/p3', [['x\r', 'a']])],
  ['an upper case name', request('/p3', [['X-Role', 'admin']])],
  ['a name with a colon', request('/p3', [['x:y', 'a']])],
  ['an empty name', request('/p3', [['', 'a']])],
  ['a pseudo header that is none', request('/p3', [[':role', 'admin']])],
  ['a pseudo header after others', [...request('/p3').slice(0, 3), ['x', 'a'], [':path', '/p3']]],
  ['a blank in the path', request('/p3 HTTP/1.1')],
  ['a line end in the path', request('/p3\r\nx: y')],
  ['a fragment in the path (A6)', request('/p3#x')],
  ['two paths', request('/p3', [[':path', '/p3']])],
  ['two authorities', request('/p3', [[':authority', 'evil']])],
  ['two methods', request('/p3', [[':method', 'POST']])],
  ['no path', request('/p3').filter(([name]) => name !== ':path')],
  ['an empty path', request('')],
  ['no method', request('/p3').filter(([name]) => name !== ':method')],
  ['te other than trailers', request('/p3', [['te', 'gzip']])],
  ['connection', request('/p3', [['connection', 'close']])],
  ['transfer-encoding', request('/p3', [['transfer-encoding', 'chunked']])],
  ['a length but no data', request('/p3', [['content-length', '5']])],
  ['a length that is none', request('/p3', [['content-length', 'a']])],
  ['user information (A7)', request('/p3').map(([name, value]) => [name, name === ':authority' ? 'a@b' : value])],
  ['two hosts (A7)', request('/p3').map(([name, value]) => [name, name === ':authority' ? 'a,b' : value])],
  [
    'CONNECT (A26, E2)',
    [
      [':method', 'CONNECT'],
      [':authority', 'web:80'],
    ],
  ],
  ['CONNECT with a protocol (A26)', [...request('/p3', [[':protocol', 'websocket']], 'CONNECT')]],
  ['TRACE (A26)', request('/p3', [], 'TRACE')],
];

describe('HTTP/2 in the tunnel', () => {
  const peer = async (target: keyof typeof TARGETS = 'open'): Promise<Http2Peer> =>
    new Http2Peer(await openTunnel(world.mesh, { to: world.at[target] }));

  it('serves a good request, so that the refusals below mean something', async () => {
    const http2 = await peer();
    expect(await http2.answer(http2.request(request('/x')))).toBe(200);
    expect(world.backend.last().protocol).toBe('HTTP/2');
    http2.destroy();
  });

  /** Answers of all, asked at once: Envoy leaves a connection that it gave up a second. */
  const answers = new Map<string, Promise<Answer>>();
  beforeAll(async () => {
    for (const [name, fields] of MALFORMED) {
      const ask = async (): Promise<Answer> => {
        const http2 = await peer();
        const answer = await http2.answer(http2.request(fields), 2_500);
        http2.destroy();
        return answer;
      };
      answers.set(name, ask());
    }
    await Promise.all(answers.values());
  });

  it.each(MALFORMED)('P3 %s: refused', async (name) => {
    expect([400, 403, 404, 'reset', 'goaway', 'closed']).toContain(await answers.get(name));
    expect(world.backend.requests.filter(({ path }) => path.startsWith('/p3'))).toEqual([]);
  });

  it('P3 more or less data than was said: reset, and no whole request is heard', async () => {
    const before = world.backend.requests.length;
    for (const data of ['hello you', 'h']) {
      const http2 = await peer();
      const stream = http2.request(request('/length', [['content-length', '5']], 'POST'), END_HEADERS);
      http2.send(frame(DATA, END_STREAM, stream, Buffer.from(data)));
      expect(['reset', 'goaway', 400]).toContain(await http2.answer(stream));
      http2.destroy();
    }
    expect(world.backend.requests.length).toBe(before);
  });

  it('A7 host beside :authority: the one that is judged is the one that is heard', async () => {
    const http2 = await peer();
    expect(await http2.answer(http2.request(request('/host', [['host', 'evil']])))).toBe(200);
    const hosts = world.backend.last().headers.filter(([name]) => name === 'host' || name === ':authority');
    expect(new Set(hosts.map(([, value]) => value))).toEqual(new Set(['web']));
    http2.destroy();
  });

  it.each(['HTTPS', 'HtTp', 'https', 'ftp'])('E16 the scheme %s changes no verdict', async (scheme) => {
    const http2 = await peer('deny');
    const as = (path: string): Fields =>
      request(path).map(([name, value]) => [name, name === ':scheme' ? scheme : value]);
    expect([403, 400, 'reset']).toContain(await http2.answer(http2.request(as('/admin'))));
    expect([200, 400, 'reset']).toContain(await http2.answer(http2.request(as('/x'))));
    http2.destroy();
  });

  it('A23 Z4 streams of one connection are judged one by one, each for itself', async () => {
    const before = world.backend.requests.length;
    const http2 = await peer('deny');
    const paths = ['/a', '/admin', '/b', '/admin/x', '//admin', '/admin;x', '/c'];
    const answers = await Promise.all(paths.map((path) => http2.answer(http2.request(request(path)))));
    expect(answers).toEqual([200, 403, 200, 403, 403, 403, 200]);
    http2.destroy();
    const heard = world.backend.requests.slice(before).map(({ path }) => path);
    expect(heard.sort()).toEqual(['/a', '/b', '/c']);
  });

  it('E7 streams that are reset while they are judged harm nothing', async () => {
    const http2 = await peer('deny');
    for (let i = 0; i < 300; i++) {
      const stream = http2.next();
      const fields = block(request(i % 2 === 0 ? '/admin' : '/x', [], 'POST'));
      // In one packet: the filters run on a stream that is gone.
      http2.send(
        frame(HEADERS, END_HEADERS, stream, fields),
        frame(DATA, 0, stream, Buffer.from('x')),
        frame(RST_STREAM, 0, stream, u32(8)),
      );
      if (i % 50 === 49) await wait(5);
    }
    http2.destroy();
    expect((await world.mesh.call({ to: world.at.deny, path: '/x' })).status).toBe(200);
    expect((await world.mesh.call({ to: world.at.deny, path: '/admin' })).status).toBe(403);
  });
});

it('P6 headers that do not come to an end are given up after ten seconds', async () => {
  const { closed, first, ms } = await slow;
  expect({ closed, first }).toEqual({ closed: true, first: 408 });
  expect(ms).toBeLessThan(15_000);
  expect(world.backend.requests.map(({ path }) => path)).not.toContain('/slow');
});
