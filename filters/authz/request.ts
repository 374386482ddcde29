import {
  ATTRIBUTE_ANY_NAMESPACE,
  ATTRIBUTE_DESTINATION_IP,
  ATTRIBUTE_DESTINATION_PORT,
  ATTRIBUTE_FORWARD,
  ATTRIBUTE_GLOBS,
  ATTRIBUTE_GLOBS_SIZE,
  ATTRIBUTE_HOST,
  ATTRIBUTE_KIND,
  ATTRIBUTE_METHOD,
  ATTRIBUTE_NAMESPACE,
  ATTRIBUTE_NEXT,
  ATTRIBUTE_PATH,
  ATTRIBUTE_PRESENT,
  ATTRIBUTE_PRINCIPAL,
  ATTRIBUTE_REVERSE,
  ATTRIBUTE_ROUTE,
  ATTRIBUTE_SIZE,
  ATTRIBUTE_SOURCE_IP,
  ATTRIBUTE_TABLE,
  ATTRIBUTE_TABLE_BITS,
  ATTRIBUTE_TABLE_SEED,
  ATTRIBUTE_TEMPLATES,
  AUTHZ_ONE_HEADER,
} from '../abi/authz.ts';
import { HEADER_MAP_REQUEST, STATUS_NOT_FOUND, STATUS_OK } from '../abi/proxy.ts';
import {
  headerName,
  headerNameSize,
  headerValue,
  headerValueSize,
  nextHeader,
  readFirstHeader,
  readHeaders,
} from '../sdk/headers.ts';
import { allocate } from '../sdk/memory.ts';
import {
  DESTINATION_ADDRESS,
  PEER_PRINCIPAL,
  PropertyPath,
  readProperty,
  ROUTE_NAME,
  SOURCE_ADDRESS,
} from '../sdk/properties.ts';
import { indexOfEither, isText, text } from '../sdk/text.ts';
import { value, valueSize } from '../sdk/value.ts';
import { portAt, readAddress, searchBlocks } from './address.ts';
import { searchGlobs } from './glob.ts';
import { add, beginValue, beginRequest } from './matched.ts';
import { OpenProgram } from './program.ts';
import { searchTable } from './table.ts';
import { searchTemplates } from './template.ts';
import { findExact, searchBackward, searchForward } from './trie.ts';

// Reads from the host what a decision asks for, each thing at most once a request and only when it is asked for, and
// puts it to the tries of its attribute.

const PATH = text(':path');
const METHOD = text(':method');
const AUTHORITY = text(':authority');
const NAMESPACE = text('/ns/');

let opened: OpenProgram = changetype<OpenProgram>(0);

/** Something that the decision depends on could not be read: the request must be denied. */
export let unreadable: bool = false;

let headersRead: bool = false;
let path: usize = 0;
let pathSize: u32 = 0;
let method: usize = 0;
let methodSize: u32 = 0;
let host: usize = 0;
let hostSize: u32 = 0;

let principalRead: bool = false;
let principal: usize = 0;
let principalSize: u32 = 0;

/** Begins a request that this program decides. */
export function openRequest(program: OpenProgram): void {
  opened = program;
  unreadable = false;
  headersRead = false;
  path = 0;
  method = 0;
  host = 0;
  principalRead = false;
  beginRequest(program.atoms);
}

/** Makes all headers known that the program asks for and the request has. */
export function knowHeaders(): void {
  if (!headersRead) readRequestHeaders(0);
}

/** Makes the atoms known that an attribute of the request matches. */
export function know(attribute: u32): void {
  const record = opened.attributes + <usize>attribute * ATTRIBUTE_SIZE;
  const kind = load<u32>(record, ATTRIBUTE_KIND);
  switch (kind) {
    case ATTRIBUTE_PRINCIPAL:
    case ATTRIBUTE_NAMESPACE:
    case ATTRIBUTE_ANY_NAMESPACE:
      if (!principalRead) readPrincipal();
      beginValue(attribute, record);
      if (principal == 0) break;
      if (kind == ATTRIBUTE_PRINCIPAL) search(record, principal, principalSize);
      else searchNamespaces(attribute, record, kind == ATTRIBUTE_ANY_NAMESPACE);
      break;
    case ATTRIBUTE_SOURCE_IP:
    case ATTRIBUTE_DESTINATION_IP:
    case ATTRIBUTE_DESTINATION_PORT:
      beginValue(attribute, record);
      searchAddress(record, kind);
      break;
    case ATTRIBUTE_ROUTE:
      beginValue(attribute, record);
      searchRoute(record);
      break;
    default:
      if (!headersRead) readRequestHeaders(kind);
      beginValue(attribute, record);
      searchHeader(record, kind);
  }
}

function readPrincipal(): void {
  principalRead = true;
  const status = readProperty(PEER_PRINCIPAL);
  if (status != STATUS_OK && status != STATUS_NOT_FOUND) unreadable = true;
  principal = valueSize > 0 ? value : 0;
  principalSize = valueSize;
  // Envoy joins the URIs of a certificate that has several: who that is cannot be said.
  const comma: u8 = 0x2c;
  if (indexOfEither(value, valueSize, comma, comma) < valueSize) unreadable = true;
}

/** The text between `/ns/` and the next slash: where it stands first, or everywhere. */
function searchNamespaces(attribute: u32, record: usize, everywhere: bool): void {
  for (let at: u32 = 0; at + NAMESPACE.size < principalSize; at++) {
    if (load<u32>(principal + at) != load<u32>(NAMESPACE.pointer)) continue;
    const start = at + NAMESPACE.size;
    let end = start;
    while (end < principalSize && load<u8>(principal + end) != 0x2f) end++;
    if (end == principalSize) return;
    search(record, principal + start, end - start);
    if (!everywhere) return;
    beginValue(attribute, record);
  }
}

function searchAddress(record: usize, kind: u32): void {
  const property: PropertyPath = kind == ATTRIBUTE_SOURCE_IP ? SOURCE_ADDRESS : DESTINATION_ADDRESS;
  if (readProperty(property) != STATUS_OK || !readAddress(value, valueSize)) {
    unreadable = true;
  } else if (kind == ATTRIBUTE_DESTINATION_PORT) {
    search(record, value + portAt, valueSize - portAt);
  } else {
    searchBlocks(opened.base, record);
  }
}

/** No route matches: it is on none that a policy names. */
function searchRoute(record: usize): void {
  const status = readProperty(ROUTE_NAME);
  if (status == STATUS_OK) search(record, value, valueSize);
  else if (status != STATUS_NOT_FOUND) unreadable = true;
}

function searchHeader(record: usize, kind: u32): void {
  switch (kind) {
    case ATTRIBUTE_PATH:
      if (path != 0) search(record, path, pathSize);
      else unreadable = true;
      break;
    case ATTRIBUTE_METHOD:
      if (method != 0) search(record, method, methodSize);
      else unreadable = true;
      break;
    case ATTRIBUTE_HOST:
      if (host != 0) searchLowerCase(record, host, hostSize);
      else unreadable = true;
      break;
    default: // of other headers every line was put to its attribute when they were read
  }
}

/** `kind` is the attribute that is asked for; of a program that needs no other header it is the only one read. */
function readRequestHeaders(kind: u32): void {
  headersRead = true;
  if ((opened.flags & AUTHZ_ONE_HEADER) != 0) {
    const name = kind == ATTRIBUTE_PATH ? PATH : kind == ATTRIBUTE_METHOD ? METHOD : AUTHORITY;
    if (readFirstHeader(HEADER_MAP_REQUEST, name) == STATUS_OK) keep(kind, value, valueSize);
    return;
  }
  if (readHeaders(HEADER_MAP_REQUEST) != STATUS_OK) {
    unreadable = true;
    return;
  }
  const names = opened.names;
  let wanted = opened.pseudoHeaders;
  while (nextHeader()) {
    if (load<u8>(headerName) == 0x3a /* : */) {
      const pseudo = pseudoHeader();
      if (pseudo != 0) {
        keep(pseudo, headerValue, headerValueSize);
        wanted--;
      }
    }
    if (names == 0) {
      // They come first; what is left is of no use.
      if (wanted <= 0) return;
    } else {
      searchNamed(findExact(opened.base, names, headerName, headerNameSize));
    }
  }
}

/** The attribute that a pseudo header is, if the program asks for it; else 0. */
function pseudoHeader(): u32 {
  if (isText(headerName, headerNameSize, PATH)) return opened.asksPath ? ATTRIBUTE_PATH : 0;
  if (isText(headerName, headerNameSize, METHOD)) return opened.asksMethod ? ATTRIBUTE_METHOD : 0;
  if (isText(headerName, headerNameSize, AUTHORITY)) return opened.asksHost ? ATTRIBUTE_HOST : 0;
  return 0;
}

/** Puts a line of a header to its attributes: this one (a number plus one) and those after it. */
function searchNamed(attribute: u32): void {
  while (attribute != 0) {
    const record = opened.attributes + <usize>(attribute - 1) * ATTRIBUTE_SIZE;
    beginValue(attribute - 1, record);
    search(record, headerValue, headerValueSize);
    attribute = load<u32>(record, ATTRIBUTE_NEXT);
  }
}

function keep(kind: u32, pointer: usize, size: u32): void {
  if (kind == ATTRIBUTE_PATH) {
    path = pointer;
    pathSize = indexOfEither(pointer, size, 0x3f /* ? */, 0x23 /* # */);
  } else if (kind == ATTRIBUTE_METHOD) {
    method = pointer;
    methodSize = size;
  } else {
    host = pointer;
    hostSize = size;
  }
}

function searchLowerCase(record: usize, pointer: usize, size: u32): void {
  const lower = allocate(size);
  for (let i: u32 = 0; i < size; i++) {
    const byte = load<u8>(pointer + i);
    store<u8>(lower + i, byte - 0x41 < 26 ? byte | 0x20 : byte);
  }
  search(record, lower, size);
}

/** Puts a value to everything that an attribute's atoms are found by. */
function search(record: usize, pointer: usize, size: u32): void {
  const base = opened.base;
  const present = load<u32>(record, ATTRIBUTE_PRESENT);
  if (present != 0 && size > 0) add(present);
  const table = load<u32>(record, ATTRIBUTE_TABLE);
  if (table != 0) {
    const bits = load<u32>(record, ATTRIBUTE_TABLE_BITS);
    searchTable(base, table, bits, load<u32>(record, ATTRIBUTE_TABLE_SEED), pointer, size);
  }
  const forward = load<u32>(record, ATTRIBUTE_FORWARD);
  if (forward != 0) searchForward(base, forward, pointer, size);
  const reverse = load<u32>(record, ATTRIBUTE_REVERSE);
  if (reverse != 0) searchBackward(base, reverse, pointer, size, size);
  const templates = load<u32>(record, ATTRIBUTE_TEMPLATES);
  if (templates != 0) searchTemplates(base, templates, pointer, size);
  const globs = load<u32>(record, ATTRIBUTE_GLOBS);
  if (globs != 0) searchGlobs(base, globs, load<u32>(record, ATTRIBUTE_GLOBS_SIZE), pointer, size);
}
