import { HEADER_MAP_REQUEST, STATUS_OK } from '../abi/proxy.ts';
import {
  SPLIT_NAME,
  SPLIT_NAME_SIZE,
  SPLIT_STICKY,
  STICKY_COOKIE,
  STICKY_HEADER,
  STICKY_IDENTITY,
} from '../abi/routing.ts';
import { headerName, headerNameSize, headerValue, headerValueSize, nextHeader, readHeaders } from '../sdk/headers.ts';
import { Program } from '../sdk/program.ts';
import { PEER_PRINCIPAL, readProperty } from '../sdk/properties.ts';
import { isText, sameBytes, text } from '../sdk/text.ts';
import { value, valueSize } from '../sdk/value.ts';
import { cookieValue, cookieValueSize, findCookie } from './cookie.ts';

const COOKIE = text('cookie');

export let sticky: usize = 0;
export let stickySize: u32 = 0;

/**
 * Finds what keeps this caller on one backend of the split: `sticky` and `stickySize`. False when the split is not
 * sticky, or the caller brings nothing, or nothing but an empty value.
 */
export function readSticky(program: Program, split: usize): bool {
  const by = load<u32>(split, SPLIT_STICKY);
  if (by == STICKY_IDENTITY) return readProperty(PEER_PRINCIPAL) == STATUS_OK && keep(value, valueSize);
  if (by != STICKY_HEADER && by != STICKY_COOKIE) return false;
  if (readHeaders(HEADER_MAP_REQUEST) != STATUS_OK) return false;
  const name = program.pointer + load<u32>(split, SPLIT_NAME);
  const nameSize = load<u32>(split, SPLIT_NAME_SIZE);
  return by == STICKY_HEADER ? readHeader(name, nameSize) : readCookie(name, nameSize);
}

/** The first line of the header that is not empty. */
function readHeader(name: usize, nameSize: u32): bool {
  while (nextHeader()) {
    if (!sameBytes(headerName, headerNameSize, name, nameSize)) continue;
    if (keep(headerValue, headerValueSize)) return true;
  }
  return false;
}

/** The first cookie of the name that is not empty, in whichever line. */
function readCookie(name: usize, nameSize: u32): bool {
  while (nextHeader()) {
    if (!isText(headerName, headerNameSize, COOKIE)) continue;
    if (findCookie(headerValue, headerValueSize, name, nameSize) && keep(cookieValue, cookieValueSize)) return true;
  }
  return false;
}

function keep(pointer: usize, size: u32): bool {
  sticky = pointer;
  stickySize = size;
  return size > 0;
}
