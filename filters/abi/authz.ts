// Shared with runtime/, must remain portable: only constants and plain functions, no imports but siblings.
//
// An authorization program: an index from what a request is to the rules that can hold for it.
//
// Every alternative of a rule is a *conjunct*: clauses that must all hold, each about one attribute of the request
// (principal, path, one named header, one claim, …). Conjuncts have numbers; 64 of them make a *word*. Words of DENY come first,
// then ALLOW, then those that are only asked for (see links).
//
//   attribute ──tries──► atoms that the request's value matches ──postings──► words with the conjuncts that name them
//
// An atom is one value of a policy (`exact /a`, `prefix spiffe://x/`, `10.0.0.0/8`). It has three postings:
//   anchor    conjuncts that are looked at when the atom matches: every conjunct has one clause, its rarest, as anchor
//   positive  conjuncts that may hold because of it
//   negative  conjuncts that cannot hold because of it
// Each word lists which attributes its conjuncts ask about, so a candidate costs a few loads for 64 rules at once.
//
// A rule whose `from` times `to` would be too many conjuncts is not multiplied out: the alternatives of one list are
// conjuncts with an anchor, and a *link* to the range of conjuncts of the other list, of which one must hold too.
//
// All numbers are little-endian u32 unless said otherwise; `…At` are offsets from the program's first byte; an atom or
// attribute that may be missing is written as its number plus one, 0 for none.
//
//   16 ┌────────────┬────────────┬─────────────┬────────────────┬──────────────┐
//      │ words      │ denyWords  │ activeWords │ attributeCount │ attributesAt │
//   36 ├────────────┼────────────┼─────────────┼────────────────┼──────────────┤
//      │ wordIndexAt│ entriesAt  │ rulesAt     │ linksAt        │ ruleTableAt  │
//   56 ├────────────┼────────────┼─────────────┼────────────────┼──────────────┤
//      │ ruleCount  │ policiesAt │ policyCount │ always         │ atomCount    │
//   76 ├────────────┼────────────┼─────────────┼────────────────┼──────────────┤
//      │ atomsAt    │ postingsAt │ postingsSize│ linkRecordsAt  │linkRecordSize│
//   96 ├────────────┼────────────┼─────────────┼────────────────┼──────────────┤
//      │ namesAt    │ namesSize  │ anchored    │ entryCount     │ flags        │
//  116 ├────────────┼────────────┼─────────────┼────────────────┼──────────────┤
//      │ providersAt│ providers  │ stepsAt     │ stepCount      │ allowWords   │
//  136 ├────────────┼────────────┴─────────────┴────────────────┴──────────────┘
//      │ generation │ 140: sections
//      └────────────┘
//
// flags        those of the header once more: the header is outside of the checksum
// attributes   see ATTRIBUTE_*; the first `anchored` of them have atoms with anchors
// word index   words + 1 numbers: the first entry of each word
// entries      attribute, u64 conjuncts with a positive clause, u64 conjuncts with a negative clause
// rules        per conjunct of DENY and ALLOW the rule it belongs to
// links        per conjunct of DENY and ALLOW a link record, 0 none; linksAt 0: nobody has one
// link record  count, then count times: first conjunct, end conjunct
// rule table   policy, index of the rule within it; in the order of evaluation
// policies     textAt, size: `ns[x]-policy[y]-rule[`
// always       posting of the conjuncts without a positive clause
// atoms        anchor, positive, negative: postings
// names        byte trie of header names; its exact "atoms" are attribute numbers
// steps        places in Envoy's metadata that are asked for, as a tree: step 0 is above the names of filters, every other
//              comes after the one that leads to it. Each: attribute of the value found here, part (STEP_PART_*), byte
//              trie of the keys that lead on (at, size); the trie's exact "atoms" are steps. No steps: it is not read.
//
// A program with AUTHZ_CUSTOM decides nothing: it says who is to be asked. It has words of providers, one after the
// other, and none of DENY and ALLOW. For each provider of which a conjunct holds the filter writes the property that the
// provider is known by, with the value `1`; the provider's own filter is skipped without it. And it writes its
// generation: which CUSTOM rules these were.
//
// The program of DENY and ALLOW rules that goes with it has the same words of providers behind its own, and the same
// generation. Envoy takes the two one after the other, so for some milliseconds of an edit they may not be of one
// generation: then what a CUSTOM rule matches and was not put to its provider is denied.
//
// providers    stateAt, size: where the property is read; endWord: the provider's words begin where those before it end
// allowWords   end of the words of ALLOW, where those of providers begin
// generation   of the CUSTOM rules, 0 none
//
// A posting is 0 (empty), or a conjunct with POSTING_SINGLE set, or the offset of a record:
//   sparse       count, count words ascending, count u64 masks
//   dense        count + POSTING_DENSE, first word, count u64 masks
//
// Exact values are in a hash table when they are many: 2^bits + 1 offsets, of the records of each bucket and of their
// end, then the records: hash, text size, atom, text. Otherwise they are in the byte trie, with the prefixes.
//
// A byte trie is nodes one behind the other, each before its children. A reverse trie eats its value from the end.
//   exact atom, prefix atom, u16 label size, u16 child count, label, first byte of each child (ascending), child offsets
//
// A template trie's node stands between two segments of a path:
//   exact atom, child of {*}, reverse trie of what may follow {**}, child count, then each: textAt, size, child
//
// A glob is text with any bytes between its pieces: atom, piece count, then each piece: textAt, size.
// Address ranges are sorted by their first address and cover everything: u32 | u64 u64 first, innermost atom.
// Their atoms have a parent: the next wider block (parentsAt, one for each atom of the attribute).

export const AUTHZ_FORMAT: u8 = 5;

/** Flags of the program header. CLOSED: everything is denied, and the body is the reason's text. */
export const AUTHZ_CLOSED: u16 = 1;
/** There is an ALLOW policy: what no ALLOW rule allows is denied. */
export const AUTHZ_ALLOWS: u16 = 2;
/** Of the request's headers nothing but one pseudo header is needed, so that one is read alone. */
export const AUTHZ_ONE_HEADER: u16 = 4;
/** The program names providers to ask and decides nothing itself. */
export const AUTHZ_CUSTOM: u16 = 8;
/** A header that a policy names must not come on several lines: such a request is refused instead of judged. */
export const AUTHZ_SINGLE_LINES: u16 = 16;

export const AUTHZ_WORDS: usize = 16;
export const AUTHZ_DENY_WORDS: usize = 20;
export const AUTHZ_ACTIVE_WORDS: usize = 24;
export const AUTHZ_ATTRIBUTE_COUNT: usize = 28;
export const AUTHZ_ATTRIBUTES: usize = 32;
export const AUTHZ_WORD_INDEX: usize = 36;
export const AUTHZ_ENTRIES: usize = 40;
export const AUTHZ_RULES: usize = 44;
export const AUTHZ_LINKS: usize = 48;
export const AUTHZ_RULE_TABLE: usize = 52;
export const AUTHZ_RULE_COUNT: usize = 56;
export const AUTHZ_POLICIES: usize = 60;
export const AUTHZ_POLICY_COUNT: usize = 64;
export const AUTHZ_ALWAYS: usize = 68;
export const AUTHZ_ATOM_COUNT: usize = 72;
export const AUTHZ_ATOMS: usize = 76;
export const AUTHZ_POSTINGS: usize = 80;
export const AUTHZ_POSTINGS_SIZE: usize = 84;
export const AUTHZ_LINK_RECORDS: usize = 88;
export const AUTHZ_LINK_RECORDS_SIZE: usize = 92;
export const AUTHZ_NAMES: usize = 96;
export const AUTHZ_NAMES_SIZE: usize = 100;
export const AUTHZ_ANCHORED: usize = 104;
export const AUTHZ_ENTRY_COUNT: usize = 108;
/** The header's flags once more, where the checksum covers them. */
export const AUTHZ_FLAGS: usize = 112;
export const AUTHZ_PROVIDERS: usize = 116;
export const AUTHZ_PROVIDER_COUNT: usize = 120;
export const AUTHZ_STEPS: usize = 124;
export const AUTHZ_STEP_COUNT: usize = 128;
export const AUTHZ_ALLOW_WORDS: usize = 132;
export const AUTHZ_GENERATION: usize = 136;
export const AUTHZ_BODY: usize = 140;

/** What an attribute is. Of a principal suffixes stand behind `spiffe://`, everything else is compared to the whole. */
export const ATTRIBUTE_PRINCIPAL: u32 = 0;
/** The namespace of the principal: the first `/ns/<namespace>/` in it. */
export const ATTRIBUTE_NAMESPACE: u32 = 1;
/** Every `/ns/<namespace>/` in the principal: asked where a match denies. */
export const ATTRIBUTE_ANY_NAMESPACE: u32 = 2;
export const ATTRIBUTE_SOURCE_IP: u32 = 3;
export const ATTRIBUTE_DESTINATION_IP: u32 = 4;
export const ATTRIBUTE_DESTINATION_PORT: u32 = 5;
/** In lower case. */
export const ATTRIBUTE_HOST: u32 = 6;
export const ATTRIBUTE_METHOD: u32 = 7;
/** Without query and fragment. */
export const ATTRIBUTE_PATH: u32 = 8;
export const ATTRIBUTE_HEADER: u32 = 9;
/** `<namespace>/sa/<account>` of a principal that is `spiffe://<domain>/ns/<namespace>/sa/<account>` and nothing more. */
export const ATTRIBUTE_SERVICE_ACCOUNT: u32 = 10;
/** The same of every `/ns/<namespace>/` and every `/sa/<account>` after it: asked where a match denies. */
export const ATTRIBUTE_ANY_SERVICE_ACCOUNT: u32 = 11;
/** Of the principal what stands between `spiffe://` and the next slash. */
export const ATTRIBUTE_TRUST_DOMAIN: u32 = 12;
/** The caller's address as X-Forwarded-For and PROXY protocol have it, as far as Envoy is told to believe them. */
export const ATTRIBUTE_REMOTE_IP: u32 = 13;
export const ATTRIBUTE_SNI: u32 = 14;
/** Issuer and subject of the request's token in one text: see REQUEST_PRINCIPAL_*. */
export const ATTRIBUTE_REQUEST_PRINCIPAL: u32 = 15;
/** A place in Envoy's metadata: every text of a list, or the one text that it is. */
export const ATTRIBUTE_METADATA: u32 = 16;
/** The same, but only as a text, or only as a list. */
export const ATTRIBUTE_METADATA_TEXT: u32 = 17;
export const ATTRIBUTE_METADATA_LIST: u32 = 18;
/** As ATTRIBUTE_HOST, and also without the port of http and final dots: asked where a match denies. */
export const ATTRIBUTE_ANY_HOST: u32 = 19;
/** Name of the route that was chosen; where none was, there is nothing to match. */
export const ATTRIBUTE_ROUTE: u32 = 20;
export const ATTRIBUTE_KINDS: u32 = 21;

// Issuer and subject become one text, so that `not` can be asked about both at once: a mark, the issuer, a separator,
// the subject. Mark and separator are bytes that no UTF-8 text has, so no two principals make the same text.

/** Stands in front of a principal whose subject is not empty. */
export const REQUEST_PRINCIPAL_WHOLE: u8 = 0xfe;
/** Stands in front of a principal with an empty subject. */
export const REQUEST_PRINCIPAL_BARE: u8 = 0xfd;
export const REQUEST_PRINCIPAL_SEPARATOR: u8 = 0xff;

export const ATTRIBUTE_KIND: usize = 0;
export const ATTRIBUTE_FIRST_ATOM: usize = 4;
export const ATTRIBUTE_ATOM_COUNT: usize = 8;
/** Atom of any value that is not empty. */
export const ATTRIBUTE_PRESENT: usize = 12;
export const ATTRIBUTE_FORWARD: usize = 16;
export const ATTRIBUTE_FORWARD_SIZE: usize = 20;
export const ATTRIBUTE_REVERSE: usize = 24;
export const ATTRIBUTE_REVERSE_SIZE: usize = 28;
export const ATTRIBUTE_TEMPLATES: usize = 32;
export const ATTRIBUTE_TEMPLATES_SIZE: usize = 36;
export const ATTRIBUTE_TAILS: usize = 40;
export const ATTRIBUTE_TAILS_SIZE: usize = 44;
export const ATTRIBUTE_GLOBS: usize = 48;
export const ATTRIBUTE_GLOBS_SIZE: usize = 52;
export const ATTRIBUTE_RANGES_4: usize = 56;
export const ATTRIBUTE_RANGES_4_COUNT: usize = 60;
export const ATTRIBUTE_RANGES_6: usize = 64;
export const ATTRIBUTE_RANGES_6_COUNT: usize = 68;
export const ATTRIBUTE_PARENTS: usize = 72;
/** The next attribute about the same header or place in metadata, always a later one. */
export const ATTRIBUTE_NEXT: usize = 76;
export const ATTRIBUTE_TABLE: usize = 80;
export const ATTRIBUTE_TABLE_SIZE: usize = 84;
export const ATTRIBUTE_TABLE_BITS: usize = 88;
export const ATTRIBUTE_TABLE_SEED: usize = 92;
export const ATTRIBUTE_SIZE: usize = 96;

export const ENTRY_ATTRIBUTE: usize = 0;
export const ENTRY_POSITIVE: usize = 4;
export const ENTRY_NEGATIVE: usize = 12;
export const ENTRY_SIZE: usize = 20;

export const ATOM_ANCHOR: usize = 0;
export const ATOM_POSITIVE: usize = 4;
export const ATOM_NEGATIVE: usize = 8;
export const ATOM_SIZE: usize = 12;

export const POSTING_SINGLE: u32 = 0x80000000;
export const POSTING_DENSE: u32 = 0x80000000;

export const TABLE_HASH: usize = 0;
export const TABLE_TEXT_SIZE: usize = 4;
export const TABLE_ATOM: usize = 8;
export const TABLE_TEXT: usize = 12;
export const TABLE_BITS_MAX: u32 = 24;

// The hash of a text: two lanes that take four bytes each in turn, the last ones padded with zeros.
export const HASH_LANE: u32 = 0x9e3779b1;
export const HASH_FIRST: u32 = 0x85ebca6b;
export const HASH_SECOND: u32 = 0xc2b2ae35;

export const NODE_EXACT: usize = 0;
export const NODE_PREFIX: usize = 4;
export const NODE_LABEL_SIZE: usize = 8;
export const NODE_CHILD_COUNT: usize = 10;
export const NODE_LABEL: usize = 12;

export const TEMPLATE_EXACT: usize = 0;
export const TEMPLATE_STAR: usize = 4;
export const TEMPLATE_TAILS: usize = 8;
export const TEMPLATE_CHILD_COUNT: usize = 12;
export const TEMPLATE_CHILDREN: usize = 16;
export const TEMPLATE_CHILD_SIZE: usize = 12;
/** A template has no more segments than this; the search goes one call deep for each. */
export const TEMPLATE_DEPTH: u32 = 64;

export const GLOB_ATOM: usize = 0;
export const GLOB_PIECE_COUNT: usize = 4;
export const GLOB_PIECES: usize = 8;
export const GLOB_PIECE_SIZE: usize = 8;

export const RANGE_4_SIZE: usize = 8;
export const RANGE_6_SIZE: usize = 20;

export const STEP_ATTRIBUTE: usize = 0;
export const STEP_PART: usize = 4;
export const STEP_KEYS: usize = 8;
export const STEP_KEYS_SIZE: usize = 12;
export const STEP_SIZE: usize = 16;

/** The text that is found here is the issuer, or the subject, of the request's principal. */
export const STEP_PART_ISSUER: u32 = 1;
export const STEP_PART_SUBJECT: u32 = 2;

/** A place in metadata lies no deeper than this: the search goes one call deep for each step. */
export const STEP_DEPTH: u32 = 16;

export const RULE_SIZE: usize = 8;
export const POLICY_SIZE: usize = 8;

export const PROVIDER_STATE: usize = 0;
export const PROVIDER_STATE_SIZE: usize = 4;
export const PROVIDER_END: usize = 8;
export const PROVIDER_SIZE: usize = 12;
/** Where properties that filters write are read; what follows is the name by which they are written. */
export const STATE_PREFIX: string = 'filter_state\0wasm.';
export const STATE_PREFIX_SIZE: u32 = 18;
/** The property that holds the generation, and the beginning of those of providers. */
export const STATE_CUSTOM: string = 'portolan.custom';
/** What the property of a provider holds when it is to be asked. */
export const PROVIDER_ASKED: string = '1';
