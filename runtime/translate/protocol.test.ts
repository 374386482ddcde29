import { expect, test } from 'vitest';
import { isTls, protocolOf } from './protocol.ts';

test.each([
  [{ port: 80, name: 'http' }, 'http'],
  [{ port: 80, name: 'http-web' }, 'http'],
  [{ port: 80, name: 'HTTP-web' }, 'http'],
  [{ port: 80, name: 'httpweb' }, 'detect'],
  [{ port: 80, name: 'http2-web' }, 'http2'],
  [{ port: 80, name: 'grpc-api' }, 'http2'],
  [{ port: 80, name: 'grpc-web-api' }, 'http'],
  [{ port: 443, name: 'https' }, 'tcp'],
  [{ port: 443, name: 'tls-x' }, 'tcp'],
  [{ port: 1, name: 'mongo' }, 'tcp'],
  [{ port: 80 }, 'detect'],
  [{ port: 3306 }, 'tcp'],
  [{ port: 3306, name: 'http-sql' }, 'http'],
  [{ port: 80, name: 'tcp', appProtocol: 'http' }, 'http'],
  [{ port: 80, name: 'http', appProtocol: 'kubernetes.io/h2c' }, 'http2'],
  [{ port: 80, appProtocol: 'kubernetes.io/ws' }, 'http'],
  [{ port: 80, appProtocol: 'kubernetes.io/wss' }, 'tcp'],
  [{ port: 80, name: 'http', appProtocol: 'example.com/own' }, 'detect'],
] as const)('%o is %s', (port, expected) => expect(protocolOf(port)).toBe(expected));

test.each([
  [{ name: 'https' }, true],
  [{ name: 'TLS-x' }, true],
  [{ name: 'tcp', appProtocol: 'https' }, true],
  [{ appProtocol: 'kubernetes.io/wss' }, true],
  [{ name: 'tcp' }, false],
  [{ name: 'https', appProtocol: 'tcp' }, false],
  [{}, false],
] as const)('%o is TLS: %s', (port, expected) => expect(isTls(port)).toBe(expected));
