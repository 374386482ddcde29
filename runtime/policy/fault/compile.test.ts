import { expect, it } from 'vitest';
import { faulty, servicePort, split } from '../service-port.fixture.ts';
import { compileFault } from './compile.ts';
import { disassemble } from './disassemble.ts';

it('prints what it compiled', () => {
  const program = compileFault(
    servicePort([
      faulty('reviews.1', { delay: { fixedMs: 7000, perMillion: 1_000_000 } }),
      faulty('reviews.0', {
        delay: { fixedMs: 5, perMillion: 1500 },
        abort: { httpStatus: 503, perMillion: 500_000 },
      }),
      split('reviews.2', { v1: 1 }),
    ]),
  );
  expect(program && disassemble(program)).toMatchInlineSnapshot(`
    "fault, format 1, 112 bytes
      at most 4096 wait
      route "reviews.0"
        0.15% wait 5 ms
        50% are answered 503
      route "reviews.1"
        100% wait 7000 ms
    "
  `);
});

it('compiles nothing where no route has a fault', () => {
  expect(compileFault(servicePort([split('r', { v1: 1 })]))).toBeUndefined();
});

it('never asks for more than everything, or for longer than a day', () => {
  const program = compileFault(
    servicePort([faulty('r', { delay: { fixedMs: 1e12, perMillion: 5_000_000 } })]),
  ) as Uint8Array;
  expect(disassemble(program)).toContain('100% wait 86400000 ms');
});
