import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Authorization, CheckResponseSchema, type CheckRequest } from '#gen/envoy/service/auth/v3/external_auth_pb.ts';

/** What an HTTP authorizer was asked. */
export interface HttpCheck {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type HttpAnswer = (check: HttpCheck, response: ServerResponse) => void;

/** An external authorizer that speaks HTTP: 200 allows. Every test says for itself what it answers. */
export interface HttpAuthorizer {
  readonly checks: HttpCheck[];
  readonly port: number;
  answer: HttpAnswer;
  close(): Promise<void>;
}

export async function startHttpAuthorizer(): Promise<HttpAuthorizer> {
  const server: Server = createServer((request, response) => {
    let body = '';
    response.on('error', () => {});
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const check = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
      authorizer.checks.push(check);
      authorizer.answer(check, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const authorizer: HttpAuthorizer = {
    checks: [],
    port: (server.address() as AddressInfo).port,
    answer: (_check, response) => void response.end(),
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return authorizer;
}

type GrpcAnswer = MessageInitShape<typeof CheckResponseSchema>;

/** An external authorizer that speaks gRPC; whoever starts it listens with `server`. */
export interface GrpcAuthorizer {
  readonly checks: CheckRequest[];
  readonly server: Http2Server;
  answer: (check: CheckRequest) => GrpcAnswer | Promise<GrpcAnswer>;
}

export function grpcAuthorizer(): GrpcAuthorizer {
  const authorizer: GrpcAuthorizer = {
    checks: [],
    server: createHttp2Server(
      connectNodeAdapter({
        grpc: true,
        grpcWeb: false,
        connect: false,
        routes: (router) =>
          router.service(Authorization, {
            async check(request) {
              authorizer.checks.push(request);
              return create(CheckResponseSchema, await authorizer.answer(request));
            },
          }),
      }),
    ),
    answer: () => ALLOW,
  };
  return authorizer;
}

export const ALLOW: GrpcAnswer = { status: { code: 0 } };

const PERMISSION_DENIED = 7;

export const deny = (code: number, body: string, headers: Readonly<Record<string, string>> = {}): GrpcAnswer => ({
  status: { code: PERMISSION_DENIED },
  httpResponse: {
    case: 'deniedResponse',
    value: {
      status: { code },
      body,
      headers: Object.entries(headers).map(([key, value]) => ({ header: { key, value } })),
    },
  },
});
