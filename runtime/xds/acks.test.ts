import { expect, it } from 'vitest';
import { NackLog, readNack } from './acks.ts';

it('shows what follows the quoted resource, and nothing of it', () => {
  const message =
    'goo.gle/debugonly  name: "default"\ninline_string: "-----BEGIN PRIVATE KEY-----\\nMIIsecret"\n: Proto constraint validation failed';
  expect(readNack(message, ['default'])).toEqual({
    reason: 'Proto constraint validation failed',
    blamed: new Map(),
  });
});

it('cuts off a resource that is quoted at the end', () => {
  const message = 'Unable to unpack as Secret: goo.gle/debugstr   type_url: "x" value: "MIIsecret"';
  expect(readNack(message, ['default']).reason).toBe('Unable to unpack as Secret:');
});

it('leaves out key material that is quoted in any other way', () => {
  const { reason } = readNack(
    'bad key -----BEGIN EC PRIVATE KEY-----\nMIIsecret\n-----END EC PRIVATE KEY-----: no',
    [],
  );
  expect(reason).toBe('bad key (key material left out): no');
  expect(readNack('bad key -----BEGIN PRIVATE KEY-----\nMIIsec', []).reason).toBe('bad key (key material left out)');
});

it('gives each blamed resource its own reason', () => {
  const message = 'Error adding/updating listener(s) a: no such filter b\nb: port is taken\n';
  expect(readNack(message, ['b', 'a', 'c']).blamed).toEqual(
    new Map([
      ['a', 'no such filter b'],
      ['b', 'port is taken'],
    ]),
  );
});

it('blames nobody whose name is only mentioned', () => {
  expect(readNack('Error adding/updating cluster(s) xa: see a: b', ['a']).blamed).toEqual(new Map());
});

it('shows one line of bounded length', () => {
  expect(readNack('one\ntwo\u001b[31m\u0000three', []).reason).toBe('one two [31m three');
  expect(readNack('x'.repeat(5_000), []).reason.length).toBeLessThanOrEqual(1_001);
  expect(readNack('', []).reason).toBe('no reason given');
});

it('tells a refusal once a version, and remembers so many', () => {
  const log = new NackLog(2);
  const nack = (name: string, version: string) => ({ node: 'n', typeUrl: 't', name, version, reason: '' });
  expect([nack('a', '1'), nack('a', '1'), nack('a', '2'), nack('a', '1')].map((each) => log.isNew(each))).toEqual([
    true,
    false,
    true,
    true,
  ]);
  expect(log.isNew(nack('b', '1'))).toBe(true);
  expect(log.isNew(nack('c', '1'))).toBe(true);
  expect(log.isNew(nack('a', '1'))).toBe(true);
});
