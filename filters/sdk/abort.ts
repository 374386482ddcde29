import { LOG_CRITICAL } from '../abi/proxy.ts';
import { put, putNumber, say } from './log.ts';
import { text } from './text.ts';

const WHERE = text('filter aborted: an assertion failed at line ');

/**
 * What asc calls when an assertion of the standard library fails (debug builds; release builds have none).
 * It must end in a trap: Envoy then answers 503 and, with FAIL_RELOAD, makes a fresh VM for the next request.
 */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  put(WHERE);
  putNumber(line);
  say(LOG_CRITICAL);
  unreachable();
}
