import { describe, expect, test } from 'vitest';
import type { AuthzOperation, AuthzPolicy, AuthzRule, AuthzSource, Clause } from '#model/authz.ts';
import type { Cidr, StringMatch } from '#model/match.ts';
import { compileAuthz, type AuthzTarget } from './compile.ts';
import { disassemble } from './disassemble.ts';

const NONE = { any: [], none: [] };
const exact = (...values: string[]): StringMatch[] => values.map((value) => ({ kind: 'exact', value }));
const any = <T>(...values: T[]): Clause<T> => ({ any: values, none: [] });
const not = <T>(...values: T[]): Clause<T> => ({ any: [], none: values });
const from = (source: Partial<AuthzSource>): AuthzSource => ({
  principals: NONE,
  namespaces: NONE,
  ipBlocks: NONE,
  ...source,
});
const to = (operation: Partial<AuthzOperation>): AuthzOperation => ({
  hosts: NONE,
  methods: NONE,
  paths: NONE,
  ports: NONE,
  ...operation,
});
const rule = (parts: Partial<AuthzRule>): AuthzRule => ({ from: [], to: [], when: [], ...parts });
const policy = (action: AuthzPolicy['action'], ...rules: AuthzRule[]): AuthzPolicy => ({
  namespace: 'ns',
  name: action.toLowerCase(),
  action,
  rules,
});

const TARGET: AuthzTarget = { port: 80, addresses: ['10.96.0.1'], protocol: 'http' };

function compile(policies: readonly AuthzPolicy[], target: Partial<AuthzTarget> = {}): Uint8Array {
  const program = compileAuthz({ policies }, { ...TARGET, ...target });
  if (program === undefined) throw new Error('expected a program');
  return program;
}

/** The conjuncts of a program, without the lines about attributes. */
const text = (policies: readonly AuthzPolicy[], target: Partial<AuthzTarget> = {}): string =>
  disassemble(compile(policies, target))
    .split('\n')
    .filter((line) => !line.startsWith('attribute '))
    .join('\n');

describe('what becomes of a set', () => {
  test('no policies: nothing to enforce', () => {
    expect(compileAuthz({ policies: [] }, TARGET)).toBeUndefined();
  });

  test('a policy without rules holds for nothing, and an ALLOW policy so denies all', () => {
    expect(text([policy('ALLOW')])).toBe('authz, allows\n');
    expect(text([policy('DENY')])).toBe('authz\n');
  });

  test('closed: everything is denied, and the program says why', () => {
    const program = compileAuthz({ policies: [policy('ALLOW', rule({}))], closed: 'policy a/b: no such key' }, TARGET);
    expect(disassemble(program ?? new Uint8Array())).toBe('authz\nDENY everything: policy a/b: no such key\n');
  });

  test('the same set gives the same bytes', () => {
    const set = [policy('ALLOW', rule({ from: [from({ principals: any(...exact('b', 'a')) })] }))];
    expect(compile(set)).toEqual(compile(structuredClone(set)));
  });
});

describe('a rule', () => {
  test('that demands nothing is looked at always', () => {
    expect(text([policy('ALLOW', rule({}))])).toBe('authz, allows\n0 ALLOW ns/allow[0] (looked at always)\n');
  });

  test('is found by its rarest value', () => {
    const rules = ['a', 'b', 'c'].map((name) =>
      rule({ from: [from({ principals: any(...exact('p')) })], to: [to({ hosts: any(...exact(name)) })] }),
    );
    expect(text([policy('DENY', ...rules)])).toBe(`authz, reads one header
0 DENY ns/deny[0]
    @ any host any of exact "a"
      principal any of exact "p"
1 DENY ns/deny[1]
    @ any host any of exact "b"
      principal any of exact "p"
2 DENY ns/deny[2]
    @ any host any of exact "c"
      principal any of exact "p"
`);
  });

  test('whose alternatives differ in one attribute is one conjunct', () => {
    const sources = ['a', 'b'].map((name) =>
      from({ principals: any(...exact(name)), ipBlocks: not(block('10.0.0.0/8')) }),
    );
    expect(text([policy('ALLOW', rule({ from: sources }))])).toBe(`authz, allows
0 ALLOW ns/allow[0]
    @ principal any of exact "a", exact "b"
      source ip none of block 10.0.0.0/8
`);
  });

  test('whose alternatives differ in what must not be is not merged: either may hold', () => {
    const sources = ['a', 'b'].map((name) => from({ principals: not(...exact(name)) }));
    expect(text([policy('ALLOW', rule({ from: sources }))])).toBe(`authz, allows
0 ALLOW ns/allow[0] (looked at always)
      principal none of exact "a"
1 ALLOW ns/allow[0] (looked at always)
      principal none of exact "b"
`);
  });

  test('asks twice about one attribute: both must hold', () => {
    const twice = rule({
      from: [from({ principals: any(...exact('a', 'b')) })],
      when: [{ key: 'principal', values: any(...exact('b', 'c')) }],
    });
    expect(text([policy('ALLOW', twice)])).toBe(`authz, allows
0 ALLOW ns/allow[0]
    @ principal any of exact "a", exact "b"
      principal (again 1) any of exact "b", exact "c"
`);
  });

  test('with many alternatives on both sides is linked, not multiplied out', () => {
    const count = 40;
    const numbers = Array.from({ length: count }, (_, i) => i);
    const big = rule({
      from: numbers.map((i) => from({ principals: any(...exact(`p${i}`)), namespaces: any(...exact(`n${i}`)) })),
      to: numbers.map((i) => to({ paths: any(...exact(`/${i}`)), methods: any(...exact(`M${i}`)) })),
    });
    const lines = text([policy('ALLOW', big)]).split('\n');
    expect(lines.filter((line) => / ALLOW /.test(line))).toHaveLength(count);
    expect(lines.filter((line) => / linked/.test(line))).toHaveLength(count);
    expect(lines.filter((line) => line === '      and one of 64 to 103')).toHaveLength(count);
    const half = rule({ from: big.from.slice(0, count / 2), to: big.to.slice(0, count / 2) });
    expect(compile([policy('ALLOW', big)]).length).toBeLessThan(2.2 * compile([policy('ALLOW', half)]).length);
  });
});

describe('what is known of the target is decided here', () => {
  const ports = (clause: Clause<number>): AuthzPolicy[] => [policy('ALLOW', rule({ to: [to({ ports: clause })] }))];

  test.each([
    ['a port that it is', any(80, 81), 'authz, allows\n0 ALLOW ns/allow[0] (looked at always)\n'],
    ['a port that it is not', any(81), 'authz, allows\n'],
    ['a port that it must not be', not(80), 'authz, allows\n'],
  ])('%s', (_name, clause, expected) => {
    expect(text(ports(clause))).toBe(expected);
  });

  test('a port that is not known is asked for', () => {
    expect(text(ports(any(80)), { port: 0 })).toContain('@ destination port any of exact "80"');
  });

  test('an address, if the answer is the same for all', () => {
    const rules = rule({ when: [{ key: 'destinationIp', values: any(block('10.96.0.0/16')) }] });
    const always = 'authz, allows\n0 ALLOW ns/allow[0] (looked at always)\n';
    expect(text([policy('ALLOW', rules)])).toBe(always);
    expect(text([policy('ALLOW', rules)], { addresses: ['10.97.0.1'] })).toBe('authz, allows\n');
    const asked = '@ destination ip any of block 10.96.0.0/16';
    expect(text([policy('ALLOW', rules)], { addresses: ['10.96.0.1', '10.97.0.1'] })).toContain(asked);
    expect(text([policy('ALLOW', rules)], { addresses: [] })).toContain(asked);
  });
});

describe('what cannot be expressed denies', () => {
  const odd: StringMatch = { kind: 'regex', value: 'a|b' };
  const never = 'authz, allows\n';
  const always = 'authz\n0 DENY ns/deny[0] (looked at always)\n';

  test.each([
    ['ALLOW any', policy('ALLOW', rule({ from: [from({ principals: any(odd) })] })), never],
    ['ALLOW none', policy('ALLOW', rule({ from: [from({ principals: not(odd) })] })), never],
    ['DENY any', policy('DENY', rule({ from: [from({ principals: any(odd, ...exact('x')) })] })), always],
    ['DENY none', policy('DENY', rule({ from: [from({ principals: not(odd) })] })), always],
  ])('%s', (_name, given, expected) => {
    expect(text([given])).toBe(expected);
  });

  test('HTTP on a TCP port', () => {
    const get = [to({ methods: any(...exact('GET')) })];
    expect(text([policy('ALLOW', rule({ to: get }))], { protocol: 'tcp' })).toBe(never);
    expect(text([policy('DENY', rule({ to: get }))], { protocol: 'tcp' })).toBe(always);
  });
});

describe('10,000 rules', () => {
  test('are compiled in a second, to less than 4 MB', () => {
    const rules = Array.from({ length: 10_000 }, (_, i) =>
      rule({
        from: [from({ principals: any(...exact(`spiffe://cluster.local/ns/ns${i % 50}/sa/account-${i}`)) })],
        to: [to({ methods: any(...exact('GET')), paths: any(...exact(`/api/v1/service${i}/resource`)) })],
      }),
    );
    const policies = rules.map((one, i) => ({ ...policy('ALLOW', one), name: `policy-${i}` }));
    compile(policies.slice(0, 2_000));
    const before = process.cpuUsage();
    const { length } = compile(policies);
    const { user, system } = process.cpuUsage(before);
    expect(length).toBeLessThan(4 << 20);
    expect((user + system) / 1e6).toBeLessThan(2); // a second where nothing else runs
  });
});

function block(cidr: string): Cidr {
  const [address = '', length = ''] = cidr.split('/');
  return { address, length: Number(length) };
}
