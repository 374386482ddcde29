// CUSTOM rules: which providers a request is to be put to, and whether it was.

import {
  AUTHZ_CLOSED,
  AUTHZ_PROVIDERS,
  AUTHZ_PROVIDER_COUNT,
  PROVIDER_ASKED,
  PROVIDER_END,
  PROVIDER_SIZE,
  PROVIDER_STATE,
  PROVIDER_STATE_SIZE,
  STATE_CUSTOM,
  STATE_PREFIX,
  STATE_PREFIX_SIZE,
} from '../abi/authz.ts';
import { STATUS_OK } from '../abi/proxy.ts';
import { readState, writeState } from '../sdk/properties.ts';
import { isText, text } from '../sdk/text.ts';
import { value, valueSize } from '../sdk/value.ts';
import { anyHolds, beginRequest } from './evaluate.ts';
import { OpenProgram } from './program.ts';
import { unreadable } from './request.ts';

const ASKED = text(PROVIDER_ASKED);
const GENERATION = text(STATE_PREFIX + STATE_CUSTOM);
const generation = memory.data(4, 4);

/**
 * Leaves word for every provider of which a rule holds for the request at hand; all are looked at, for each has a veto.
 * False: what matters could not be read, or no word could be left, so nobody knows who should be asked.
 */
export function callProviders(program: OpenProgram): bool {
  if ((program.flags & AUTHZ_CLOSED) != 0) return false;
  beginRequest(program);
  const base = program.base;
  let provider = base + load<u32>(base, AUTHZ_PROVIDERS);
  let first = program.allowWords;
  for (let i: u32 = 0, count = load<u32>(base, AUTHZ_PROVIDER_COUNT); i < count; i++) {
    const end = load<u32>(provider, PROVIDER_END);
    if (anyHolds(first, end, false)) {
      const state = base + load<u32>(provider, PROVIDER_STATE);
      if (!write(state, load<u32>(provider, PROVIDER_STATE_SIZE), ASKED.pointer, ASKED.size)) return false;
    }
    first = end;
    provider += PROVIDER_SIZE;
  }
  store<u32>(generation, program.generation);
  return write(GENERATION.pointer, GENERATION.size, generation, 4) && !unreadable;
}

function write(path: usize, pathSize: u32, pointer: usize, size: u32): bool {
  return writeState(path + STATE_PREFIX_SIZE, pathSize - STATE_PREFIX_SIZE, pointer, size) == STATUS_OK;
}

/**
 * The request at hand, which the rules of the program allow, was put to every provider that it had to be put to. That
 * is so when the CUSTOM rules that were asked are those that go with this program; otherwise each rule is asked again.
 */
export function wereAsked(program: OpenProgram): bool {
  if (program.generation == 0) return true;
  const told = readState(GENERATION.pointer, GENERATION.size) == STATUS_OK && valueSize == 4;
  if (told && load<u32>(value) == program.generation) return true;
  const base = program.base;
  let provider = base + load<u32>(base, AUTHZ_PROVIDERS);
  let first = program.allowWords;
  for (let i: u32 = 0, count = load<u32>(base, AUTHZ_PROVIDER_COUNT); i < count; i++) {
    const end = load<u32>(provider, PROVIDER_END);
    if (anyHolds(first, end, false)) {
      const state = base + load<u32>(provider, PROVIDER_STATE);
      if (readState(state, load<u32>(provider, PROVIDER_STATE_SIZE)) != STATUS_OK) return false;
      if (!isText(value, valueSize, ASKED)) return false;
    }
    first = end;
    provider += PROVIDER_SIZE;
  }
  return !unreadable;
}
