import {
  ATTRIBUTE_KIND,
  ATTRIBUTE_METADATA_LIST,
  ATTRIBUTE_METADATA_TEXT,
  ATTRIBUTE_NEXT,
  ATTRIBUTE_SIZE,
  REQUEST_PRINCIPAL_BARE,
  REQUEST_PRINCIPAL_SEPARATOR,
  REQUEST_PRINCIPAL_WHOLE,
  STEP_ATTRIBUTE,
  STEP_DEPTH,
  STEP_KEYS,
  STEP_PART,
  STEP_PART_ISSUER,
  STEP_PART_SUBJECT,
  STEP_SIZE,
} from '../abi/authz.ts';
import { allocate } from '../sdk/memory.ts';
import { beginValue, beginValues } from './matched.ts';
import { OpenProgram } from './program.ts';
import { beginMessage, bytes, bytesSize, endField, field, isWhole, nextField } from './protobuf.ts';
import { search } from './search.ts';
import { findExact } from './trie.ts';

// Envoy's metadata of a request: envoy.config.core.v3.Metadata, read in place. Only what a program names is entered, so
// what is not asked for costs its length and no more, however deep it is; and what is asked for is STEP_DEPTH deep at most.
//
//   Metadata { map<string, Struct> filter_metadata = 1 }    Struct { map<string, Value> fields = 1 }
//   Value { 1 null, 2 number, 3 string, 4 bool, 5 Struct, 6 ListValue }    ListValue { repeated Value values = 1 }
//
// Numbers, truth values and nulls match nothing, and neither do the members of a list that are no texts.

const MAP_ENTRY: u32 = 1;
const ENTRY_KEY: u32 = 1;
const ENTRY_VALUE: u32 = 2;
const VALUE_TEXT: u32 = 3;
const VALUE_STRUCT: u32 = 5;
const VALUE_LIST: u32 = 6;
const LIST_VALUE: u32 = 1;

let opened: OpenProgram = changetype<OpenProgram>(0);
let issuer: usize = 0;
let issuerSize: u32 = 0;
let subject: usize = 0;
let subjectSize: u32 = 0;

/** Puts all that the program asks of metadata to its attributes. False: it is not what Envoy writes. */
export function searchMetadata(program: OpenProgram, pointer: usize, size: u32): bool {
  opened = program;
  issuer = 0;
  subject = 0;
  return program.steps == 0 || enterMap(program.steps, pointer, size, 0);
}

/** A message with a map in field 1 (Metadata, or Struct), at a step. */
function enterMap(step: usize, pointer: usize, size: u32, depth: u32): bool {
  const keys = load<u32>(step, STEP_KEYS);
  if (keys == 0 || depth == STEP_DEPTH) return true;
  const end = pointer + size;
  while (pointer < end) {
    beginMessage(pointer, end);
    if (!nextField()) return false;
    pointer = endField;
    if (field == MAP_ENTRY && bytes != 0 && !enterEntry(keys, bytes, bytesSize, depth)) return false;
  }
  return true;
}

function enterEntry(keys: u32, pointer: usize, size: u32, depth: u32): bool {
  let key: usize = 0;
  let keySize: u32 = 0;
  let value: usize = 0;
  let valueSize: u32 = 0;
  beginMessage(pointer, pointer + size);
  while (nextField()) {
    if (field == ENTRY_KEY && bytes != 0) {
      key = bytes;
      keySize = bytesSize;
    } else if (field == ENTRY_VALUE && bytes != 0) {
      value = bytes;
      valueSize = bytesSize;
    }
  }
  if (!isWhole()) return false;
  const next = findExact(opened.base, keys, key, keySize);
  if (next == 0) return true;
  const step = opened.steps + <usize>(next - 1) * STEP_SIZE;
  // The first map is of Structs, those within it of Values.
  return depth == 0 ? enterMap(step, value, valueSize, 1) : enterValue(step, value, valueSize, depth + 1);
}

function enterValue(step: usize, pointer: usize, size: u32, depth: u32): bool {
  let kind: u32 = 0;
  let content: usize = 0;
  let contentSize: u32 = 0;
  beginMessage(pointer, pointer + size);
  while (nextField()) {
    kind = bytes == 0 ? 0 : field;
    content = bytes;
    contentSize = bytesSize;
  }
  if (!isWhole()) return false;
  if (kind == VALUE_STRUCT) return enterMap(step, content, contentSize, depth);
  if (kind == VALUE_LIST) return searchList(step, content, contentSize);
  if (kind == VALUE_TEXT) searchText(step, content, contentSize);
  return true;
}

function searchText(step: usize, pointer: usize, size: u32): void {
  const part = load<u32>(step, STEP_PART);
  if (part == STEP_PART_ISSUER) {
    issuer = pointer;
    issuerSize = size;
  } else if (part == STEP_PART_SUBJECT) {
    subject = pointer;
    subjectSize = size;
  }
  let attribute = load<u32>(step, STEP_ATTRIBUTE);
  while (attribute != 0) {
    const record = opened.attributes + <usize>(attribute - 1) * ATTRIBUTE_SIZE;
    if (load<u32>(record, ATTRIBUTE_KIND) != ATTRIBUTE_METADATA_LIST) {
      beginValue(attribute - 1, record);
      search(opened.base, record, pointer, size);
    }
    attribute = load<u32>(record, ATTRIBUTE_NEXT);
  }
}

function searchList(step: usize, pointer: usize, size: u32): bool {
  let attribute = load<u32>(step, STEP_ATTRIBUTE);
  while (attribute != 0) {
    const record = opened.attributes + <usize>(attribute - 1) * ATTRIBUTE_SIZE;
    if (load<u32>(record, ATTRIBUTE_KIND) != ATTRIBUTE_METADATA_TEXT) {
      beginValues(attribute - 1, record);
      if (!searchTexts(record, pointer, pointer + size)) return false;
    }
    attribute = load<u32>(record, ATTRIBUTE_NEXT);
  }
  return true;
}

function searchTexts(record: usize, pointer: usize, end: usize): bool {
  while (pointer < end) {
    beginMessage(pointer, end);
    if (!nextField()) return false;
    pointer = endField;
    if (field != LIST_VALUE || bytes == 0) continue;
    let text: usize = 0;
    let textSize: u32 = 0;
    beginMessage(bytes, bytes + bytesSize);
    while (nextField()) {
      text = field == VALUE_TEXT ? bytes : 0;
      textSize = bytesSize;
    }
    if (!isWhole()) return false;
    if (text != 0) search(opened.base, record, text, textSize);
  }
  return true;
}

/** Puts issuer and subject, as one text, to the attribute with this record. False: they cannot be told apart. */
export function searchRequestPrincipal(base: usize, record: usize): bool {
  if (issuer == 0 || issuerSize == 0 || subject == 0) return true;
  const size = issuerSize + subjectSize + 2;
  const whole = allocate(size);
  store<u8>(whole, subjectSize == 0 ? REQUEST_PRINCIPAL_BARE : REQUEST_PRINCIPAL_WHOLE);
  store<u8>(whole + 1 + issuerSize, REQUEST_PRINCIPAL_SEPARATOR);
  if (!copyText(whole + 1, issuer, issuerSize)) return false;
  if (!copyText(whole + 2 + issuerSize, subject, subjectSize)) return false;
  search(base, record, whole, size);
  return true;
}

/** False: there is a byte in it that no UTF-8 text has. */
function copyText(to: usize, from: usize, size: u32): bool {
  for (let i: u32 = 0; i < size; i++) {
    const byte = load<u8>(from + i);
    if (byte >= REQUEST_PRINCIPAL_BARE) return false;
    store<u8>(to + i, byte);
  }
  return true;
}
