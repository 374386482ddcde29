import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResourceStore } from './store.ts';
import type { ResourceSet } from './resource-set.ts';

const service = (name: string, more = '') => `apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: app}
spec:
  ports: [{port: 80}]
${more}`;

const policy = (name: string, methods = '[GET]') => `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: ${name}, namespace: app}
spec:
  rules:
  - to:
    - operation: {methods: ${methods}}
`;

const update = (store: ResourceStore, ...files: readonly string[]): ResourceSet =>
  store.update(new Map(files.map((text, index) => [`${'abc'[index]}.yaml`, text])));

const codes = (set: ResourceSet): readonly string[] => set.findings.map(({ code, level }) => `${code} ${level}`);
const names = (set: ResourceSet): readonly string[] => set.of('Service').map(({ metadata }) => metadata.name);

describe('a set', () => {
  it('is sorted, found by name, and knows where things are', () => {
    const set = update(new ResourceStore(), `${service('b')}---\n${service('a')}`, policy('p'));
    expect(names(set)).toEqual(['a', 'b']);
    expect(set.get('Service', 'app', 'b')).toBe(set.of('Service')[1]);
    expect(set.get('Service', 'other', 'b')).toBeUndefined();
    expect(set.locate({ kind: 'Service', namespace: 'app', name: 'a' }, 'spec.ports[0].port')).toEqual({
      file: 'a.yaml',
      line: 11,
      column: 12,
    });
    expect(set.locate({ kind: 'Service', namespace: 'app', name: 'none' }, '')).toBeUndefined();
    expect(set.findings).toEqual([]);
  });

  it('keeps the identity of whatever did not change', () => {
    const store = new ResourceStore();
    const before = update(store, `${service('a')}---\n${service('b')}`, policy('p'));
    expect(update(store, `${service('a')}---\n${service('b')}`, policy('p'))).toBe(before);
    const after = update(store, `# new\n${service('a')}---\n${service('b', '  type: NodePort\n')}`, policy('p'));
    expect(after).not.toBe(before);
    expect(after.of('AuthorizationPolicy')).toBe(before.of('AuthorizationPolicy'));
    expect(after.of('Service')[0]).toBe(before.of('Service')[0]);
    expect(after.of('Service')[1]).not.toBe(before.of('Service')[1]);
    const moved = update(store, service('b', '  type: NodePort\n'), policy('p'), service('a'));
    expect(moved.of('Service')).toBe(after.of('Service'));
    expect(moved.locate({ kind: 'Service', namespace: 'app', name: 'a' }, '')?.file).toBe('c.yaml');
  });

  it('finds the place of a finding anew when its file changed, and only then', () => {
    const store = new ResourceStore();
    const bad = service('b', '  type: Nonsense\n');
    const set = update(store, bad, policy('p'));
    const [finding] = set.findings;
    const place = set.placeOf(finding!);
    const elsewhere = update(store, bad, policy('q'));
    expect(elsewhere.findings[0]).toBe(finding);
    expect(elsewhere.placeOf(finding!)).toBe(place);
    const lower = update(store, `# new\n# new\n${bad}`, policy('q'));
    expect(lower.placeOf(lower.findings[0]!)?.line).toBe(place!.line + 2);
    expect(set.placeOf(finding!)).toEqual(place);
  });

  it('reads the items of a List, each with its place', () => {
    const item = (name: string, weight: string) => `- kind: HTTPRoute
  apiVersion: gateway.networking.k8s.io/v1
  metadata: {name: ${name}}
  spec: {rules: [{backendRefs: [{name: x, port: 80, weight: ${weight}}]}]}
`;
    const set = update(new ResourceStore(), `apiVersion: v1\nkind: List\nitems:\n${item('a', '1')}${item('b', '-1')}`);
    expect(set.of('HTTPRoute').map(({ metadata }) => metadata)).toMatchObject([{ name: 'a', namespace: 'default' }]);
    expect(set.findings).toMatchObject([{ code: 'PTL1104', path: 'spec.rules[0].backendRefs[0].weight' }]);
    expect(set.placeOf(set.findings[0]!)).toEqual({ file: 'a.yaml', line: 11, column: 53 });
  });
});

describe('what is not valid', () => {
  it('leaves the version before, and says so, until it is mended or removed', () => {
    const store = new ResourceStore();
    const good = update(store, policy('p'), service('s'));
    const bad = update(store, policy('p', '[GET'), service('s'));
    expect(bad.of('AuthorizationPolicy')).toBe(good.of('AuthorizationPolicy'));
    const wrong = update(store, policy('p', '{}'), service('s'));
    expect(wrong.of('AuthorizationPolicy')).toBe(good.of('AuthorizationPolicy'));
    expect(wrong.invalid).toEqual([]);
    expect(wrong.findings).toMatchObject([{ code: 'PTL1103', effect: 'the version read before keeps serving' }]);
    expect(wrong.placeOf(wrong.findings[0]!)).toEqual({ file: 'a.yaml', line: 7, column: 19 });
    expect(update(store, policy('p', '[PUT]'), service('s')).of('AuthorizationPolicy')).not.toBe(
      good.of('AuthorizationPolicy'),
    );
    expect(update(store, '', service('s')).of('AuthorizationPolicy')).toEqual([]);
  });

  it('is handed on when there was no version before', () => {
    const store = new ResourceStore();
    const set = update(store, policy('p', '{}'));
    expect(set.of('AuthorizationPolicy')).toEqual([]);
    expect(set.invalid).toMatchObject([
      { ref: { kind: 'AuthorizationPolicy', namespace: 'app', name: 'p' }, raw: { spec: { rules: [{}] } } },
    ]);
    expect(set.invalid[0]?.findings[0]?.effect).toBe('its targets deny every request until it is mended');
    const again = update(store, policy('p', '{}'), service('s'));
    expect(again.invalid).toBe(set.invalid);
  });

  it('is not kept when it is what the API takes and we must refuse', () => {
    const store = new ResourceStore();
    const gateway = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g, namespace: app}
spec: {gatewayClassName: portolan, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
`;
    expect(update(store, gateway).of('Gateway')).toHaveLength(1);
    const set = update(store, gateway.replace('spec: {', 'spec: {tls: {frontend: {}}, '));
    expect(set.of('Gateway')).toEqual([]);
    expect(set.invalid).toHaveLength(1);
    expect(codes(set)).toEqual(['PTL1501 error']);
  });
});

describe('a document that cannot be read', () => {
  it('gives up nothing that its file held', () => {
    const store = new ResourceStore();
    const good = update(store, `${service('a')}---\n${service('b')}---\n${service('c')}`, policy('p'));
    const bad = update(
      store,
      `${service('a')}---\nkind: [Service\n---\n${service('c', '  type: NodePort\n')}`,
      policy('p'),
    );
    expect(names(bad)).toEqual(['a', 'b', 'c']);
    expect(bad.of('Service')[1]).toBe(good.of('Service')[1]);
    expect(bad.get('Service', 'app', 'c')?.spec.type).toBe('NodePort');
    expect(codes(bad)).toEqual(['PTL1001 error', 'PTL1006 warning']);
    expect(bad.placeOf(bad.findings[0]!)).toMatchObject({ file: 'a.yaml', line: 8 });
    const still = update(store, `${service('a')}---\nkind: [Service, x\n---\n${service('c')}`, policy('p'));
    expect(names(still)).toEqual(['a', 'b', 'c']);
    expect(names(update(store, `${service('a')}---\n${service('c')}`, policy('p')))).toEqual(['a', 'c']);
  });

  it('closes what it seems to be about, when there was nothing before', () => {
    const set = update(new ResourceStore(), `${policy('p')}kind: AuthorizationPolicy\n`);
    expect(set.invalid).toMatchObject([{ ref: { kind: 'AuthorizationPolicy', name: 'p' } }]);
    expect(set.findings).toMatchObject([{ code: 'PTL1002', resource: { name: 'p' } }]);
    expect(set.placeOf(set.findings[0]!)).toEqual({ file: 'a.yaml', line: 8, column: 1 });
    expect(set.invalid[0]?.findings).toEqual(set.findings);
  });

  it('keeps the version before, when it says whose it is', () => {
    const store = new ResourceStore();
    const good = update(store, policy('p'));
    const set = update(store, `${policy('p')}kind: AuthorizationPolicy\n`);
    expect(set.of('AuthorizationPolicy')).toBe(good.of('AuthorizationPolicy'));
    expect(set.findings).toMatchObject([{ code: 'PTL1002', effect: 'the version read before keeps serving' }]);
  });

  it('is also one that is no resource, or of no kind', () => {
    const set = update(
      new ResourceStore(),
      'just text\n---\nmetadata: {name: a}\n---\n- 1\n---\nkind: Service\nmetadata: {}\n',
    );
    expect(set.findings.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'PTL1005 a resource is an object, came "just text"',
      'PTL1108 this is not a Kubernetes resource: it has no kind',
      'PTL1005 a resource is an object, came [1]',
      'PTL1102 Service has no apiVersion',
      'PTL1105 field "name" is required',
    ]);
  });
});

describe('files', () => {
  it('take their resources along when they go, and keep them while they cannot be read', () => {
    const store = new ResourceStore();
    update(store, service('a'), service('b'));
    const unreadable = store.update(new Map([['b.yaml', service('b')]]), new Map([['a.yaml', 'permission denied']]));
    expect(names(unreadable)).toEqual(['a', 'b']);
    expect(unreadable.findings).toMatchObject([
      { code: 'PTL1004', message: 'a.yaml cannot be read: permission denied' },
    ]);
    expect(names(store.update(new Map([['b.yaml', service('b')]])))).toEqual(['b']);
  });

  it('of a folder that cannot be read keep all they held', () => {
    const store = new ResourceStore();
    store.update(
      new Map([
        ['mesh/a.yaml', service('a')],
        ['mesh2/b.yaml', service('b')],
      ]),
    );
    expect(names(store.update(new Map(), new Map([['mesh', 'gone']])))).toEqual(['a']);
  });

  it('beyond 8 MiB are not read', () => {
    const store = new ResourceStore();
    update(store, service('a'));
    const set = update(store, `${service('b')}#${'x'.repeat(8 * 1024 * 1024)}`);
    expect(names(set)).toEqual(['a']);
    expect(set.findings).toMatchObject([
      { code: 'PTL1004', message: 'a.yaml cannot be read: it is larger than 8 MiB' },
    ]);
  });
});

it('takes the first of two documents for one resource', () => {
  const store = new ResourceStore();
  const set = update(store, service('a'), `${service('x')}---\n${service('a', '  type: NodePort\n')}`);
  expect(set.get('Service', 'app', 'a')?.spec.type).toBe('ClusterIP');
  expect(set.findings).toMatchObject([
    { code: 'PTL1490', message: 'Service app/a is given twice', came: 'again in b.yaml, first in a.yaml' },
  ]);
  expect(set.placeOf(set.findings[0]!)).toEqual({ file: 'b.yaml', line: 7, column: 1 });
  expect(update(store, '', service('a', '  type: NodePort\n')).get('Service', 'app', 'a')?.spec.type).toBe('NodePort');
});

it('joins kinds that no waypoint needs, and names those that it would heed', () => {
  const kind = (apiVersion: string, name: string) => `apiVersion: ${apiVersion}\nkind: ${name}\nmetadata: {name: x}\n`;
  const files = [
    kind('apps/v1', 'Deployment'),
    kind('apps/v1', 'Deployment'),
    kind('v1', 'ConfigMap'),
    kind('networking.istio.io/v1', 'Gateway'),
    kind('serving.knative.dev/v1', 'Service'),
    kind('gateway.networking.k8s.io/v1', 'GRPCRoute'),
    kind('extensions.istio.io/v1alpha1', 'WasmPlugin'),
    kind('security.istio.io/v1', 'AuthorisationPolicy'),
    kind('security.istio.io/v1', 'Nonsense'),
    kind('security.istio.io/v1alpha1', 'AuthorizationPolicy'),
  ];
  const set = update(new ResourceStore(), files.join('---\n'));
  expect(set.findings.map(({ code, level, message }) => `${code} ${level} ${message}`)).toEqual([
    'PTL1502 warning GRPCRoute is not supported by this version',
    'PTL1502 warning WasmPlugin is not supported by this version',
    'PTL1108 error there is no kind "AuthorisationPolicy" in security.istio.io',
    'PTL1108 error there is no kind "Nonsense" in security.istio.io',
    expect.stringMatching(/^PTL1490 error AuthorizationPolicy default\/x is given twice/),
    'PTL1507 info 5 resources of kinds that a waypoint does not use: ConfigMap, Deployment (2), Gateway, Service',
  ]);
  expect(set.invalid).toMatchObject([{ ref: { kind: 'AuthorizationPolicy', name: 'x' } }]);
});

it('takes names of JavaScript for names', () => {
  const set = update(
    new ResourceStore(),
    `${service('constructor')}---\n${service('__proto__')}---\nkind: hasOwnProperty\nmetadata: {name: x}\n`,
  );
  expect(names(set)).toEqual(['constructor']);
  expect(set.findings[0]).toMatchObject({ code: 'PTL1104', path: 'metadata.name' });
});

describe('any sequence of edits', { timeout: 30_000 }, () => {
  const document = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    type: fc.constantFrom('ClusterIP', 'NodePort'),
  });
  const file = fc
    .array(document, { maxLength: 4 })
    .map((documents) => documents.map(({ name, type }) => service(name, `  type: ${type}\n`)).join('---\n'));
  const files = fc
    .dictionary(fc.constantFrom('a.yaml', 'b.yaml', 'c.yaml'), file)
    .map((each) => new Map(Object.entries(each)));
  const content = (set: ResourceSet) => ({
    services: set.of('Service'),
    findings: set.findings.map((each) => ({ ...each, place: set.placeOf(each) })),
    places: set.of('Service').map(({ kind, metadata }) => set.locate({ kind, ...metadata }, 'spec.type')),
  });

  it('ends where a fresh start would', () => {
    fc.assert(
      fc.property(fc.array(files, { minLength: 2, maxLength: 6 }), (states) => {
        const store = new ResourceStore();
        for (const each of states) {
          expect(content(store.update(each))).toEqual(content(new ResourceStore().update(each)));
        }
      }),
      { numRuns: 30 },
    );
  });

  it('never throws, never loses what is in no changed file, and never says that both are so', () => {
    const broken = fc
      .tuple(file, fc.constantFrom('', '---\na: [', '---\nkind: Service\n', '---\nx\n'), file)
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(broken, { minLength: 2, maxLength: 6 }), (texts) => {
        const store = new ResourceStore();
        for (const text of texts) {
          const set = store.update(
            new Map([
              ['x.yaml', text],
              ['y.yaml', policy('p')],
            ]),
          );
          expect(set.of('AuthorizationPolicy')).toHaveLength(1);
          for (const { ref } of set.invalid)
            expect(set.of('Service').some(({ metadata }) => metadata.name === ref.name)).toBe(false);
          for (const each of set.findings) if (each.code !== 'PTL1507') expect(set.placeOf(each)?.file).toBe('x.yaml');
        }
      }),
    );
  });
});
