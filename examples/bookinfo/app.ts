import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

/** What an application gets of another: through the mesh, as its own identity. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Calls `http://ratings:9080/ratings/0` as an application would with its HTTP client. */
export type Outbound = (url: string, headers: Readonly<Record<string, string>>) => Promise<Answer>;

export type AppName = 'productpage' | 'details' | 'reviews' | 'ratings';

type Handler = (path: string, headers: Readonly<Record<string, string>>, outbound: Outbound) => Promise<Reply>;

interface Reply {
  readonly status: number;
  readonly type: 'application/json' | 'text/html; charset=utf-8' | 'text/plain';
  readonly body: string;
}

const json = (value: unknown, status = 200): Reply => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(value)}\n`,
});

const notFound: Reply = { status: 404, type: 'text/plain', body: 'not found\n' };

/** Headers that an application passes on: tracing, and who the user is. */
const PASSED_ON = ['end-user', 'x-request-id', 'traceparent'];

/** One of Bookinfo's services as an HTTP request listener. `version` matters to reviews alone: v1, v2 or v3. */
export function app(name: AppName, version: string, outbound: Outbound): RequestListener {
  const handle = handlers(version)[name];
  return (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://app');
    const headers = passedOn(request);
    request.resume();
    handle(pathname, headers, outbound).then(
      (reply) => send(response, reply, `${name}-${version}`),
      (error: Error) =>
        send(response, { status: 502, type: 'text/plain', body: `${error.message}\n` }, `${name}-${version}`),
    );
  };
}

function passedOn(request: IncomingMessage): Record<string, string> {
  const entries = PASSED_ON.flatMap((name) => {
    const value = request.headers[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return Object.fromEntries(entries);
}

/** `x-served-by` says which pod answered: the split is counted by it. */
function send(response: ServerResponse, { status, type, body }: Reply, pod: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), 'x-served-by': pod });
  response.end(body);
}

interface Review {
  readonly reviewer: string;
  readonly text: string;
  readonly rating?: { readonly stars: number; readonly color: string } | { readonly error: string };
}

const handlers = (version: string): Record<AppName, Handler> => ({
  productpage,
  details,
  reviews: (path, headers, outbound) => reviews(path, headers, outbound, STARS[version]),
  ratings,
});

/** The colour of the stars by version of reviews; v1 shows none and does not ask for ratings. */
const STARS: Readonly<Record<string, string>> = { v2: 'black', v3: 'red' };

const productpage: Handler = async (path, headers, outbound) => {
  if (path === '/') return { status: 200, type: 'text/plain', body: 'Bookinfo: see /productpage\n' };
  if (path !== '/productpage') return notFound;
  const [book, opinions] = await Promise.all([
    outbound('http://details:9080/details/0', headers),
    outbound('http://reviews:9080/reviews/0', headers),
  ]);
  const { title = 'details are not available', author = '' } = parsed(book) as { title?: string; author?: string };
  const { reviews: list } = parsed(opinions) as { reviews?: readonly Review[] };
  const lines = list?.map(
    (review) => `<blockquote>${review.text} <i>${review.reviewer}</i> ${starsOf(review)}</blockquote>`,
  );
  return {
    status: 200,
    type: 'text/html; charset=utf-8',
    body: `<!doctype html><title>Bookinfo</title>\n<h1>${title}</h1><p>${author}</p>\n${lines?.join('\n') ?? '<p>reviews are not available</p>'}\n`,
  };
};

function starsOf({ rating }: Review): string {
  if (rating === undefined) return '';
  if ('error' in rating) return `<em>${rating.error}</em>`;
  return `<span style="color:${rating.color}">${'★'.repeat(rating.stars)}${'☆'.repeat(5 - rating.stars)}</span>`;
}

const details: Handler = async (path) => {
  if (!path.startsWith('/details/')) return notFound;
  return json({ id: 0, title: 'The Comedy of Errors', author: 'William Shakespeare', year: 1595, pages: 200 });
};

async function reviews(
  path: string,
  headers: Readonly<Record<string, string>>,
  outbound: Outbound,
  color: string | undefined,
): Promise<Reply> {
  if (!path.startsWith('/reviews/')) return notFound;
  const texts: readonly Review[] = [
    { reviewer: 'Reviewer1', text: 'An extremely entertaining play.' },
    { reviewer: 'Reviewer2', text: 'Absolutely fun, although shorter than it could be.' },
  ];
  if (color === undefined) return json({ id: 0, reviews: texts });
  const answer = await outbound('http://ratings:9080/ratings/0', headers);
  const { ratings: stars } = parsed(answer) as { ratings?: Readonly<Record<string, number>> };
  return json({
    id: 0,
    reviews: texts.map((review) => ({
      ...review,
      rating: stars ? { stars: stars[review.reviewer] ?? 0, color } : { error: 'ratings are not available' },
    })),
  });
}

const ratings: Handler = async (path) =>
  path.startsWith('/ratings/') ? json({ id: 0, ratings: { Reviewer1: 5, Reviewer2: 4 } }) : notFound;

/** The object in an answer; an empty one when the other service did not answer well. */
const parsed = ({ status, body }: Answer): unknown => (status === 200 ? JSON.parse(body) : {});
