import type { ServicePort } from '#model/waypoint.ts';
import { compileAuthz } from './authz/compile.ts';
import { compileCustom } from './authz/custom.ts';
import { compileFault } from './fault/compile.ts';
import { compileMetrics } from './metrics/compile.ts';
import { compileRouting } from './routing/compile.ts';

/** The programs of one service port. Undefined: the feature has nothing to do there, and no VM runs for it. */
export interface Programs {
  readonly authz: Uint8Array | undefined;
  /** The same policies as TCP sees them: without what only HTTP has. */
  readonly authzTcp: Uint8Array | undefined;
  /** Whom a request is put to before `authz`. */
  readonly custom: Uint8Array | undefined;
  readonly routing: Uint8Array | undefined;
  readonly fault: Uint8Array | undefined;
  readonly metrics: Uint8Array | undefined;
}

/** One for all: what differs by service, its listener says (runtime/envoy/parties.ts). */
const METRICS = compileMetrics();

export function compilePrograms(port: ServicePort): Programs {
  const target = { port: port.port, addresses: port.addresses };
  return {
    authz: port.protocol === 'tcp' ? undefined : compileAuthz(port.authz, { ...target, protocol: 'http' }),
    authzTcp:
      port.protocol === 'tcp' || port.protocol === 'detect'
        ? compileAuthz(port.authz, { ...target, protocol: 'tcp' })
        : undefined,
    custom: port.protocol === 'tcp' ? undefined : compileCustom(port.authz, { ...target, protocol: 'http' }),
    routing: compileRouting(port),
    fault: compileFault(port),
    metrics: METRICS,
  };
}
