import { describe, expect, it } from 'vitest';
import { systemRoots } from './system-roots.ts';

describe('systemRoots', () => {
  it('takes the first file that is there, and SSL_CERT_FILE before all', () => {
    const there = new Set(['/etc/ssl/cert.pem', '/own.pem']);
    const exists = (path: string) => there.has(path);
    expect(systemRoots({}, exists)).toBe('/etc/ssl/cert.pem');
    expect(systemRoots({ SSL_CERT_FILE: '/own.pem' }, exists)).toBe('/own.pem');
    expect(systemRoots({ SSL_CERT_FILE: '/gone.pem' }, exists)).toBe('/etc/ssl/cert.pem');
    expect(systemRoots({}, () => false)).toBeUndefined();
  });
});
