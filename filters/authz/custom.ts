import {
  AUTHZ_CLOSED,
  AUTHZ_PROVIDERS,
  AUTHZ_PROVIDER_COUNT,
  PROVIDER_ASKED,
  PROVIDER_END,
  PROVIDER_SIZE,
  PROVIDER_STATE,
  PROVIDER_STATE_SIZE,
} from '../abi/authz.ts';
import { STATUS_OK } from '../abi/proxy.ts';
import { writeState } from '../sdk/properties.ts';
import { text } from '../sdk/text.ts';
import { anyHolds, beginRequest } from './evaluate.ts';
import { OpenProgram } from './program.ts';
import { unreadable } from './request.ts';

const ASKED = text(PROVIDER_ASKED);

/**
 * Leaves word for every provider of which a rule holds for the request at hand; all are looked at, for each has a veto.
 * False: what matters could not be read, or no word could be left, so nobody knows who should be asked.
 */
export function callProviders(program: OpenProgram): bool {
  if ((program.flags & AUTHZ_CLOSED) != 0) return false;
  beginRequest(program);
  const base = program.base;
  let provider = base + load<u32>(base, AUTHZ_PROVIDERS);
  let first: u32 = 0;
  for (let i: u32 = 0, count = load<u32>(base, AUTHZ_PROVIDER_COUNT); i < count; i++) {
    const end = load<u32>(provider, PROVIDER_END);
    if (anyHolds(first, end, false)) {
      const state = base + load<u32>(provider, PROVIDER_STATE);
      const size = load<u32>(provider, PROVIDER_STATE_SIZE);
      if (writeState(state, size, ASKED.pointer, ASKED.size) != STATUS_OK) return false;
    }
    first = end;
    provider += PROVIDER_SIZE;
  }
  return !unreadable;
}
