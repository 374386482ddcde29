import { expect, it } from 'vitest';
import { hostSpellings, pathSpellings } from './spelling.ts';

it.each([
  ['/admin', ['/admin']],
  ['/admin?a;b', ['/admin?a;b']],
  ['/admin;v=1', ['/admin;v=1', '/admin', '/adminv=1']],
  ['/adm%3Bin?x', ['/adm%3Bin?x', '/adm?x', '/admin?x']],
  ['/a;x/b;y', ['/a;x/b;y', '/a/b', '/ax/by']],
  ['/;/admin', ['/;/admin', '/admin', '/admin']],
  ['/a/..;/admin/', ['/a/..;/admin/', '/admin/', '/admin/']],
  ['/a/b/..%3b', ['/a/b/..%3b', '/a/', '/a/']],
  ['/;', ['/;', '/', '/']],
])('the spellings of the path %s', (path, spellings) => {
  expect(pathSpellings(path)).toEqual(spellings);
});

it.each([
  ['example.com', ['example.com']],
  ['example.com:80', ['example.com:80', 'example.com']],
  ['example.com:8080', ['example.com:8080']],
  ['example.com:180', ['example.com:180']],
  ['example.com:', ['example.com:', 'example.com']],
  ['example.com.', ['example.com.', 'example.com']],
  ['example.com..:080', ['example.com..:080', 'example.com..', 'example.com']],
  ['[::1]:80', ['[::1]:80', '[::1]']],
  ['', ['']],
])('the spellings of the host %s', (host, spellings) => {
  expect(hostSpellings(host)).toEqual(spellings);
});
