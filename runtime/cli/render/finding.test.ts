import { describe, expect, it } from 'vitest';
import type { PlacedFinding } from '#admin/api.ts';
import { findingText, githubFinding, shortFinding } from './finding.ts';
import { createStyle, width } from './style.ts';

const subset: PlacedFinding = {
  code: 'PTL1203',
  level: 'error',
  resource: { kind: 'VirtualService', namespace: 'app', name: 'reviews' },
  path: 'spec.http[0].route[0].destination.subset',
  message: 'subset "v3" is not defined for reviews.app.svc.cluster.local',
  expected: 'one of: v1, v2 (DestinationRule app/reviews)',
  came: 'v3',
  effect: 'requests to this route get 503 NC',
  next: 'add subset v3, or use v2',
  place: { file: 'mesh/reviews.yaml', line: 18, column: 15 },
};

const plain = createStyle(false);

describe('a finding', () => {
  it('is whole in its first line, then says where, what and what next', () => {
    expect(findingText(subset, plain)).toBe(`error PTL1203: subset "v3" is not defined for reviews.app.svc.cluster.local
  at        mesh/reviews.yaml:18:15  VirtualService app/reviews  spec.http[0].route[0].destination.subset
  expected  one of: v1, v2 (DestinationRule app/reviews)
  came      v3
  effect    requests to this route get 503 NC
  next      add subset v3, or use v2;  portolan help PTL1203
`);
  });

  it('leaves out what it does not know', () => {
    expect(findingText({ code: 'PTL1001', level: 'warning', path: '', message: 'odd' }, plain)).toBe(
      'warning PTL1001: odd\n  next      portolan help PTL1001\n',
    );
  });

  it('is one line for editors', () => {
    expect(shortFinding(subset)).toBe(
      'mesh/reviews.yaml:18:15: error PTL1203: subset "v3" is not defined for reviews.app.svc.cluster.local\n',
    );
  });

  it('is a workflow command for GitHub, with marks escaped', () => {
    const odd = { ...subset, message: 'a: 50% of\nx', effect: 'y', place: { file: 'a,b:c.yaml', line: 1, column: 2 } };
    expect(githubFinding(odd)).toBe(
      '::error file=a%2Cb%3Ac.yaml,line=1,col=2,title=PTL1203::a: 50%25 of%0Ax%0Ay%0Aadd subset v3, or use v2\n',
    );
  });

  it('shows control characters of a resource instead of sending them to the terminal', () => {
    const hostile = { ...subset, message: 'name "\u001b[2J\u0007"' };
    for (const text of [findingText(hostile, plain), shortFinding(hostile)]) {
      expect(text).not.toContain('\u001b');
      expect(text).toContain('\\x1b[2J\\x07');
    }
  });

  it('is coloured only where colours are wanted', () => {
    const painted = findingText(subset, createStyle(true));
    expect(painted).toContain('\u001b[31m');
    expect(width(painted.split('\n')[0]!)).toBe(width(findingText(subset, plain).split('\n')[0]!));
  });
});
