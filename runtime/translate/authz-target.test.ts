import { describe, expect, test } from 'vitest';
import { targetsOfInvalid } from './authz-target.ts';

const read = (raw: unknown) =>
  targetsOfInvalid({ ref: { kind: 'AuthorizationPolicy', namespace: 'a', name: 'b' }, findings: [], raw });

describe('what an invalid policy was aimed at', () => {
  const service = { kind: 'Service', name: 'x' };

  test('its targets, in both forms', () => {
    expect(read({ spec: { targetRefs: [service] } })).toEqual([{ group: '', ...service }]);
    expect(read({ spec: { targetRef: service } })).toEqual([{ group: '', ...service }]);
  });

  test('nothing here, when it is for workloads', () => {
    expect(read({ spec: { selector: { matchLabels: 5 } } })).toEqual([]);
    expect(read({ spec: { rules: 'x' } })).toEqual([]);
  });

  test.each([
    undefined,
    null,
    'text',
    [],
    { spec: null },
    { spec: [] },
    { spec: { targetRefs: 'x' } },
    { spec: { targetRefs: [null] } },
    { spec: { targetRefs: [service, { kind: 'Service' }] } },
    { spec: { targetRefs: [{ kind: 5, name: 'x' }] } },
    { spec: { targetRefs: [{ kind: 'Servcie', name: 'x' }] } },
    { spec: { targetRefs: [{ kind: 'Service', group: 'apps', name: 'x' }] } },
    { spec: { targetRef: [service] } },
    { spec: { targetrefs: [service] } },
    { spec: { selector: {}, targetsRef: [service] } },
    Object.create({ spec: { targetRefs: [service] } }),
  ])('unknown: %o', (raw) => expect(read(raw)).toBe('unknown'));
});
