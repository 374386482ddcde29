import type { Fault } from '#model/fault.ts';
import type { VirtualServiceFault } from '#resources/virtual-service-fault.ts';
import { milliseconds } from './duration.ts';

type Percentage = Pick<NonNullable<VirtualServiceFault['abort']>, 'percentage' | 'percent'>;

/** A fault of a VirtualService. Undefined: nothing is left of it that can happen. */
export function faultOf(fault: VirtualServiceFault | undefined): Fault | undefined {
  const fixedMs = milliseconds(fault?.delay?.fixedDelay ?? '0') ?? 0;
  const httpStatus = fault?.abort?.httpStatus;
  const delay =
    fault?.delay !== undefined && fixedMs > 0 ? { fixedMs, perMillion: perMillion(fault.delay) } : undefined;
  const abort =
    fault?.abort !== undefined && httpStatus !== undefined
      ? { httpStatus, perMillion: perMillion(fault.abort) }
      : undefined;
  if (!delay?.perMillion && !abort?.perMillion) return undefined;
  return { ...(delay?.perMillion ? { delay } : {}), ...(abort?.perMillion ? { abort } : {}) };
}

/** Absent means every request. A share below one in a million that is not zero counts as one in a million. */
function perMillion({ percentage, percent }: Percentage): number {
  const share = percentage?.value ?? percent ?? 100;
  return share > 0 ? Math.max(1, Math.round(share * 10_000)) : 0;
}
