import {
  ATTRIBUTE_ANY_HOST,
  ATTRIBUTE_ANY_NAMESPACE,
  ATTRIBUTE_ANY_SERVICE_ACCOUNT,
  ATTRIBUTE_DESTINATION_IP,
  ATTRIBUTE_DESTINATION_PORT,
  ATTRIBUTE_HOST,
  ATTRIBUTE_KIND,
  ATTRIBUTE_METADATA,
  ATTRIBUTE_METADATA_LIST,
  ATTRIBUTE_METADATA_TEXT,
  ATTRIBUTE_METHOD,
  ATTRIBUTE_NAMESPACE,
  ATTRIBUTE_NEXT,
  ATTRIBUTE_PATH,
  ATTRIBUTE_PRINCIPAL,
  ATTRIBUTE_REMOTE_IP,
  ATTRIBUTE_REQUEST_PRINCIPAL,
  ATTRIBUTE_ROUTE,
  ATTRIBUTE_SERVICE_ACCOUNT,
  ATTRIBUTE_SIZE,
  ATTRIBUTE_SNI,
  ATTRIBUTE_SOURCE_IP,
  ATTRIBUTE_TRUST_DOMAIN,
  AUTHZ_ONE_HEADER,
  AUTHZ_SINGLE_LINES,
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
  METADATA,
  PEER_PRINCIPAL,
  PropertyPath,
  readProperty,
  REQUESTED_SERVER_NAME,
  ROUTE_NAME,
  SOURCE_ADDRESS,
} from '../sdk/properties.ts';
import { indexOfEither, isText, text } from '../sdk/text.ts';
import { value, valueSize } from '../sdk/value.ts';
import { portAt, readAddress, searchBlocks } from './address.ts';
import { searchIdentity } from './identity.ts';
import { beginValue, beginRequest, isKnown } from './matched.ts';
import { searchMetadata, searchRequestPrincipal } from './metadata.ts';
import { OpenProgram } from './program.ts';
import { search } from './search.ts';
import { AS_SENT, dotlessSize, hasParameters, portlessSize, respell, spelled, spelledSize } from './spelling.ts';
import { findExact } from './trie.ts';

// Reads from the host what a decision asks for, each thing at most once a request and only when it is asked for, and
// puts it to the tries of its attribute.

const PATH = text(':path');
const METHOD = text(':method');
const AUTHORITY = text(':authority');

let opened: OpenProgram = changetype<OpenProgram>(0);

/** Something that the decision depends on could not be read: the request must be denied. */
export let unreadable: bool = false;

/** A header that the program names came on several lines, which it does not take. */
export let repeated: bool = false;

/** How the path is read: AS_SENT or another of its spellings. */
let pathSpelling: u32 = AS_SENT;
/** The path that was read has parameters, so that other spellings of it may be judged otherwise. */
export let pathHasParameters: bool = false;

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

let metadataRead: bool = false;

/** Begins a request that this program decides, as if its path were spelled so. */
export function openRequest(program: OpenProgram, spelling: u32): void {
  opened = program;
  unreadable = false;
  repeated = false;
  pathSpelling = spelling;
  pathHasParameters = false;
  headersRead = false;
  path = 0;
  method = 0;
  host = 0;
  principalRead = false;
  metadataRead = false;
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
    case ATTRIBUTE_SERVICE_ACCOUNT:
    case ATTRIBUTE_ANY_SERVICE_ACCOUNT:
    case ATTRIBUTE_TRUST_DOMAIN:
      if (!principalRead) readPrincipal();
      if (principal == 0) beginValue(attribute, record);
      else if (!searchIdentity(opened.base, attribute, record, kind, principal, principalSize)) unreadable = true;
      break;
    case ATTRIBUTE_SOURCE_IP:
    case ATTRIBUTE_REMOTE_IP:
    case ATTRIBUTE_DESTINATION_IP:
    case ATTRIBUTE_DESTINATION_PORT:
      beginValue(attribute, record);
      searchAddress(record, kind);
      break;
    case ATTRIBUTE_ROUTE:
      beginValue(attribute, record);
      searchProperty(record, ROUTE_NAME);
      break;
    case ATTRIBUTE_SNI:
      beginValue(attribute, record);
      searchProperty(record, REQUESTED_SERVER_NAME);
      break;
    case ATTRIBUTE_REQUEST_PRINCIPAL:
      knowMetadata();
      beginValue(attribute, record);
      if (!searchRequestPrincipal(opened.base, record)) unreadable = true;
      break;
    case ATTRIBUTE_METADATA:
    case ATTRIBUTE_METADATA_TEXT:
    case ATTRIBUTE_METADATA_LIST:
      // Every value was put to its attributes when metadata was read.
      knowMetadata();
      beginValue(attribute, record);
      break;
    default:
      if (!headersRead) readRequestHeaders(kind);
      beginValue(attribute, record);
      searchHeader(attribute, record, kind);
  }
}

/** Makes everything in metadata known that the program asks for and the request has. */
export function knowMetadata(): void {
  if (metadataRead) return;
  metadataRead = true;
  const status = readProperty(METADATA);
  if (status != STATUS_OK && status != STATUS_NOT_FOUND) unreadable = true;
  if (!searchMetadata(opened, value, valueSize)) unreadable = true;
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

/**
 * No property tells the opener of the connection from the caller that a forwarder names: `source.address` is the latter.
 * They are the same as long as Envoy is told to trust no forwarder, and a waypoint trusts none.
 */
function searchAddress(record: usize, kind: u32): void {
  const ofCaller = kind == ATTRIBUTE_SOURCE_IP || kind == ATTRIBUTE_REMOTE_IP;
  const property: PropertyPath = ofCaller ? SOURCE_ADDRESS : DESTINATION_ADDRESS;
  if (readProperty(property) != STATUS_OK || !readAddress(value, valueSize)) {
    unreadable = true;
  } else if (kind == ATTRIBUTE_DESTINATION_PORT) {
    search(opened.base, record, value + portAt, valueSize - portAt);
  } else {
    searchBlocks(opened.base, record);
  }
}

/** A connection without TLS, or of which nobody looked, has an empty name; a request that no route matches has none. */
function searchProperty(record: usize, property: PropertyPath): void {
  const status = readProperty(property);
  if (status == STATUS_OK) search(opened.base, record, value, valueSize);
  else if (status != STATUS_NOT_FOUND) unreadable = true;
}

function searchHeader(attribute: u32, record: usize, kind: u32): void {
  switch (kind) {
    case ATTRIBUTE_PATH:
      if (path != 0) search(opened.base, record, path, pathSize);
      else unreadable = true;
      break;
    case ATTRIBUTE_METHOD:
      if (method != 0) search(opened.base, record, method, methodSize);
      else unreadable = true;
      break;
    case ATTRIBUTE_HOST:
    case ATTRIBUTE_ANY_HOST:
      if (host != 0) searchHost(attribute, record, kind == ATTRIBUTE_ANY_HOST);
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
      const attribute = findExact(opened.base, names, headerName, headerNameSize);
      if (attribute != 0 && isKnown(attribute - 1) && (opened.flags & AUTHZ_SINGLE_LINES) != 0) repeated = true;
      searchNamed(attribute);
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
    search(opened.base, record, headerValue, headerValueSize);
    attribute = load<u32>(record, ATTRIBUTE_NEXT);
  }
}

function keep(kind: u32, pointer: usize, size: u32): void {
  if (kind == ATTRIBUTE_PATH) {
    path = pointer;
    pathSize = indexOfEither(pointer, size, 0x3f /* ? */, 0x23 /* # */);
    pathHasParameters = hasParameters(path, pathSize);
    if (pathSpelling == AS_SENT) return;
    respell(path, pathSize, pathSpelling);
    path = spelled;
    pathSize = spelledSize;
  } else if (kind == ATTRIBUTE_METHOD) {
    method = pointer;
    methodSize = size;
  } else {
    host = pointer;
    hostSize = size;
  }
}

/** The host in lower case; in `every` spelling, or as it was sent. */
function searchHost(attribute: u32, record: usize, every: bool): void {
  const lower = allocate(hostSize);
  for (let i: u32 = 0; i < hostSize; i++) {
    const byte = load<u8>(host + i);
    store<u8>(lower + i, byte - 0x41 < 26 ? byte | 0x20 : byte);
  }
  search(opened.base, record, lower, hostSize);
  if (!every) return;
  const portless = portlessSize(lower, hostSize);
  if (portless != hostSize) {
    beginValue(attribute, record);
    search(opened.base, record, lower, portless);
  }
  const bare = dotlessSize(lower, portless);
  if (bare == portless) return;
  beginValue(attribute, record);
  search(opened.base, record, lower, bare);
}
