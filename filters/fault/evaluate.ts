import { FAULT_ABORT_SHARE, FAULT_DELAY, FAULT_DELAY_SHARE, FAULT_SHARE_ALL, FAULT_STATUS } from '../abi/fault.ts';
import { scale } from '../sdk/random.ts';

/** Milliseconds that this request is to wait; 0: none. `bits` are random. */
export function delayOf(fault: usize, bits: u64): u32 {
  return scale(bits, FAULT_SHARE_ALL) < load<u32>(fault, FAULT_DELAY_SHARE) ? load<u32>(fault, FAULT_DELAY) : 0;
}

/** The status that this request is answered with instead of going on; 0: none. `bits` are random. */
export function abortOf(fault: usize, bits: u64): u32 {
  return scale(bits, FAULT_SHARE_ALL) < load<u32>(fault, FAULT_ABORT_SHARE) ? load<u32>(fault, FAULT_STATUS) : 0;
}
