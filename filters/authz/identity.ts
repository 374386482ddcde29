import {
  ATTRIBUTE_ANY_NAMESPACE,
  ATTRIBUTE_ANY_SERVICE_ACCOUNT,
  ATTRIBUTE_NAMESPACE,
  ATTRIBUTE_PRINCIPAL,
  ATTRIBUTE_SERVICE_ACCOUNT,
} from '../abi/authz.ts';
import { allocate } from '../sdk/memory.ts';
import { equalBytes, text } from '../sdk/text.ts';
import { beginValue, beginValues } from './matched.ts';
import { search, searchSuffixes, searchWhole } from './search.ts';

// What an identity says, put to the attributes that are read of it. runtime/policy/authz/identity.ts says why some are
// read strictly and some in every way.

const SCHEME = text('spiffe://');
const NAMESPACE = text('/ns/');
const ACCOUNT = text('/sa/');
const SLASH: u8 = 0x2f;

/** An identity in which so many service accounts can be read was made to confuse. */
const ACCOUNTS_MAX = 64;

let base: usize = 0;
let record: usize = 0;
let identity: usize = 0;
let size: u32 = 0;

/** Puts an identity to the attribute of this kind. False: it cannot be read, and nothing may be allowed for it. */
export function searchIdentity(
  program: usize,
  attribute: u32,
  itsRecord: usize,
  kind: u32,
  pointer: usize,
  length: u32,
): bool {
  base = program;
  record = itsRecord;
  identity = pointer;
  size = length;
  beginValue(attribute, record);
  switch (kind) {
    case ATTRIBUTE_PRINCIPAL: {
      searchWhole(base, record, identity, size);
      const scheme = schemeSize();
      if (scheme > 0) searchSuffixes(base, record, identity + scheme, size - scheme);
      return true;
    }
    case ATTRIBUTE_NAMESPACE:
    case ATTRIBUTE_ANY_NAMESPACE:
      searchNamespaces(attribute, kind == ATTRIBUTE_ANY_NAMESPACE);
      return true;
    case ATTRIBUTE_SERVICE_ACCOUNT:
      searchAccount();
      return true;
    case ATTRIBUTE_ANY_SERVICE_ACCOUNT:
      beginValues(attribute, record);
      return searchAccounts();
    default: {
      const scheme = schemeSize();
      if (scheme > 0) search(base, record, identity + scheme, slashFrom(scheme) - scheme);
      return true;
    }
  }
}

/** How many bytes `spiffe://` takes of the identity; 0: it does not begin with it. */
function schemeSize(): u32 {
  return size >= SCHEME.size && equalBytes(identity, SCHEME.pointer, SCHEME.size) ? SCHEME.size : 0;
}

/** Where the next slash stands, or the end. */
function slashFrom(at: u32): u32 {
  while (at < size && load<u8>(identity + at) != SLASH) at++;
  return at;
}

/** Where these four bytes stand next, or the end. */
function find(four: usize, at: u32): u32 {
  const wanted = load<u32>(four);
  for (; at + 4 <= size; at++) {
    if (load<u32>(identity + at) == wanted) return at;
  }
  return size;
}

/** The text between `/ns/` and the next slash: where it stands first, or everywhere. */
function searchNamespaces(attribute: u32, everywhere: bool): void {
  for (let at = find(NAMESPACE.pointer, 0); at < size; at = find(NAMESPACE.pointer, at + 1)) {
    const start = at + NAMESPACE.size;
    const end = slashFrom(start);
    if (end == size) return;
    search(base, record, identity + start, end - start);
    if (!everywhere) return;
    beginValue(attribute, record);
  }
}

/** `<namespace>/sa/<account>` of an identity that has a domain, these, and nothing more. */
function searchAccount(): void {
  const scheme = schemeSize();
  const at = find(NAMESPACE.pointer, scheme + 1);
  if (scheme == 0 || at == size) return;
  const start = at + NAMESPACE.size;
  const end = slashFrom(start);
  if (find(ACCOUNT.pointer, end) != end || end == size) return;
  const account = end + ACCOUNT.size;
  if (account == size || slashFrom(account) != size) return;
  search(base, record, identity + start, size - start);
}

/** Every `/ns/<namespace>/` with every `/sa/<account>` behind it, whatever stands between. */
function searchAccounts(): bool {
  const scheme = schemeSize();
  if (scheme == 0) return true;
  let count = 0;
  for (let at = find(NAMESPACE.pointer, scheme + 1); at < size; at = find(NAMESPACE.pointer, at + 1)) {
    const start = at + NAMESPACE.size;
    const end = slashFrom(start);
    if (end == size) return true;
    for (let sa = find(ACCOUNT.pointer, end); sa < size; sa = find(ACCOUNT.pointer, sa + 1)) {
      const account = sa + ACCOUNT.size;
      const accountEnd = slashFrom(account);
      if (accountEnd == account || accountEnd + 1 == size) continue;
      if (++count > ACCOUNTS_MAX) return false;
      const name = end - start;
      const length = name + accountEnd - sa;
      const whole = allocate(length);
      memory.copy(whole, identity + start, name);
      memory.copy(whole + name, identity + sa, accountEnd - sa);
      search(base, record, whole, length);
    }
  }
  return true;
}
