import { REQUEST_PRINCIPAL_BARE, REQUEST_PRINCIPAL_SEPARATOR, REQUEST_PRINCIPAL_WHOLE } from '#abi/authz.ts';
import type { RequestPrincipalMatch } from '#model/authz.ts';
import { binary, type Match } from './atom.ts';

const WHOLE = String.fromCharCode(REQUEST_PRINCIPAL_WHOLE);
const BARE = String.fromCharCode(REQUEST_PRINCIPAL_BARE);
const SEPARATOR = String.fromCharCode(REQUEST_PRINCIPAL_SEPARATOR);

/**
 * What the two matches ask of the one text that issuer and subject become (filters/abi/authz.ts). Undefined when no
 * single comparison says it; Istio's syntax has no such value.
 */
export function requestPrincipalAtom({ issuer, subject }: RequestPrincipalMatch): Match | undefined {
  const one = 'value' in issuer ? binary(issuer.value) : '';
  const other = 'value' in subject ? binary(subject.value) : '';
  switch (`${issuer.kind} ${subject.kind}`) {
    case 'exact exact':
      return { kind: 'exact', value: (other === '' ? BARE : WHOLE) + one + SEPARATOR + other };
    case 'exact present':
      return { kind: 'prefix', value: WHOLE + one + SEPARATOR };
    case 'exact prefix':
      return other === '' ? undefined : { kind: 'prefix', value: WHOLE + one + SEPARATOR + other };
    case 'prefix present':
      return { kind: 'prefix', value: WHOLE + one };
    case 'present present':
      return { kind: 'prefix', value: WHOLE };
    case 'present exact':
      return { kind: 'suffix', value: SEPARATOR + other };
    case 'suffix exact':
      return { kind: 'suffix', value: one + SEPARATOR + other };
    case 'present suffix':
      return other === '' ? undefined : { kind: 'suffix', value: other };
    default:
      return undefined;
  }
}
