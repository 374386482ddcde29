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
  ATTRIBUTE_SIZE,
  ATTRIBUTE_SOURCE_IP,
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
import { DESTINATION_ADDRESS, PEER_PRINCIPAL, PropertyPath, readProperty, SOURCE_ADDRESS } from '../sdk/properties.ts';
import { isText, Text, text } from '../sdk/text.ts';
import { value, valueSize } from '../sdk/value.ts';
import { portAt, readAddress, searchBlocks } from './address.ts';
import { searchGlobs } from './glob.ts';
import { add, beginAttribute, beginRequest } from './matched.ts';
import { OpenProgram } from './program.ts';
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
  beginRequest();
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
      beginAttribute(attribute, record);
      if (kind == ATTRIBUTE_PRINCIPAL) {
        if (principal != 0) search(record, principal, principalSize);
      } else {
        searchNamespaces(record, kind == ATTRIBUTE_ANY_NAMESPACE);
      }
      break;
    case ATTRIBUTE_SOURCE_IP:
    case ATTRIBUTE_DESTINATION_IP:
    case ATTRIBUTE_DESTINATION_PORT:
      beginAttribute(attribute, record);
      searchAddress(record, kind);
      break;
    default:
      if (!headersRead) readRequestHeaders(kind);
      beginAttribute(attribute, record);
      searchHeader(record, kind);
  }
}

function readPrincipal(): void {
  principalRead = true;
  const status = readProperty(PEER_PRINCIPAL);
  if (status != STATUS_OK && status != STATUS_NOT_FOUND) unreadable = true;
  principal = valueSize > 0 ? value : 0;
  principalSize = valueSize;
}

/** The text between `/ns/` and the next slash: where it stands first, or everywhere. */
function searchNamespaces(record: usize, everywhere: bool): void {
  if (principal == 0) return;
  for (let at: u32 = 0; at + NAMESPACE.size < principalSize; at++) {
    if (load<u32>(principal + at) != load<u32>(NAMESPACE.pointer)) continue;
    const start = at + NAMESPACE.size;
    let end = start;
    while (end < principalSize && load<u8>(principal + end) != 0x2f) end++;
    if (end == principalSize) return;
    search(record, principal + start, end - start);
    if (!everywhere) return;
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
    if (readFirstHeader(HEADER_MAP_REQUEST, name) == STATUS_OK) keep(name, value, valueSize);
    return;
  }
  if (readHeaders(HEADER_MAP_REQUEST) != STATUS_OK) {
    unreadable = true;
    return;
  }
  const names = opened.names;
  while (nextHeader()) {
    if (headerNameSize > 4 && load<u8>(headerName) == 0x3a /* : */) {
      if (isText(headerName, headerNameSize, PATH)) keep(PATH, headerValue, headerValueSize);
      else if (isText(headerName, headerNameSize, METHOD)) keep(METHOD, headerValue, headerValueSize);
      else if (isText(headerName, headerNameSize, AUTHORITY)) keep(AUTHORITY, headerValue, headerValueSize);
    }
    if (names == 0) continue;
    let attribute = findExact(opened.base, names, headerName, headerNameSize);
    while (attribute != 0) {
      const record = opened.attributes + <usize>(attribute - 1) * ATTRIBUTE_SIZE;
      beginAttribute(attribute - 1, record);
      search(record, headerValue, headerValueSize);
      attribute = load<u32>(record, ATTRIBUTE_NEXT);
    }
  }
}

function keep(name: Text, pointer: usize, size: u32): void {
  if (name == PATH) {
    path = pointer;
    pathSize = withoutQuery(pointer, size);
  } else if (name == METHOD) {
    method = pointer;
    methodSize = size;
  } else {
    host = pointer;
    hostSize = size;
  }
}

function withoutQuery(pointer: usize, size: u32): u32 {
  for (let i: u32 = 0; i < size; i++) {
    const byte = load<u8>(pointer + i);
    if (byte == 0x3f /* ? */ || byte == 0x23 /* # */) return i;
  }
  return size;
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
  const forward = load<u32>(record, ATTRIBUTE_FORWARD);
  if (forward != 0) searchForward(base, forward, pointer, size);
  const reverse = load<u32>(record, ATTRIBUTE_REVERSE);
  if (reverse != 0) searchBackward(base, reverse, pointer, size, size);
  const templates = load<u32>(record, ATTRIBUTE_TEMPLATES);
  if (templates != 0) searchTemplates(base, templates, pointer, size);
  const globs = load<u32>(record, ATTRIBUTE_GLOBS);
  if (globs != 0) searchGlobs(base, globs, load<u32>(record, ATTRIBUTE_GLOBS_SIZE), pointer, size);
}
