import {
  AUTHZ_ACTIVE_WORDS,
  AUTHZ_ALLOW_WORDS,
  AUTHZ_ALLOWS,
  AUTHZ_ANCHORED,
  AUTHZ_BODY,
  AUTHZ_CLOSED,
  AUTHZ_CUSTOM,
  AUTHZ_DENY_WORDS,
  AUTHZ_LINKS,
  AUTHZ_ONE_HEADER,
  AUTHZ_SINGLE_LINES,
  AUTHZ_POLICIES,
  AUTHZ_RULES,
  AUTHZ_RULE_COUNT,
  AUTHZ_RULE_TABLE,
  AUTHZ_WORDS,
  POLICY_SIZE,
  RULE_SIZE,
} from '#abi/authz.ts';
import type { ProgramReader } from '../program.ts';
import { decodeProviders, type DecodedProvider } from './custom.ts';
import { OTHER_ROUTES } from './route-clause.ts';
import { decodeAlways, decodeAttributes, openAuthz, type DecodedAtom } from './decode.ts';

/** Where a clause of a conjunct was found: its attribute, and whether it is what the conjunct is found by. */
interface Clause {
  readonly attribute: string;
  readonly sign: 'any' | 'none';
  readonly values: string[];
  anchor: boolean;
}

/**
 * The text of an authorization program, read back from its bytes alone: every conjunct with its rule and its clauses.
 * `@` is the clause that leads to the conjunct. Deterministic. Throws ProgramError when the bytes are no such program.
 */
export function disassemble(program: Uint8Array): string {
  const reader = openAuthz(program);
  const { flags } = reader;
  const lines = [`authz${flagTexts(flags)}`];
  if ((flags & AUTHZ_CLOSED) !== 0) {
    return `${lines[0]}\nDENY everything: ${reader.text(AUTHZ_BODY, program.length - AUTHZ_BODY)}\n`;
  }
  const attributes = decodeAttributes(reader);
  const anchored = reader.u32(AUTHZ_ANCHORED);
  for (const [number, { name, atoms }] of attributes.entries()) {
    lines.push(`attribute ${number} ${name}: ${atoms.length} values${number < anchored ? ', leads to conjuncts' : ''}`);
  }
  const clauses = new Map<number, Clause[]>();
  for (const [number, { name, atoms }] of attributes.entries()) {
    for (const atom of atoms) addClauses(clauses, `${name}${repeated(attributes, number)}`, atom);
  }
  const always = new Set(decodeAlways(reader));
  const denyEnd = 64 * reader.u32(AUTHZ_DENY_WORDS);
  const allowEnd = 64 * reader.u32(AUTHZ_ALLOW_WORDS);
  const activeEnd = 64 * reader.u32(AUTHZ_ACTIVE_WORDS);
  const providers = decodeProviders(reader);
  const known = new Set([...clauses.keys(), ...always]);
  for (let conjunct = 0; conjunct < 64 * reader.u32(AUTHZ_WORDS); conjunct++) {
    if (!known.has(conjunct)) continue;
    const heading =
      conjunct < activeEnd
        ? `${conjunct < denyEnd ? 'DENY' : conjunct < allowEnd ? 'ALLOW' : custom(providers, conjunct)} ${ruleName(reader, reader.u32(reader.u32(AUTHZ_RULES) + 4 * conjunct))}`
        : 'linked';
    lines.push(`${conjunct} ${heading}${always.has(conjunct) ? ' (looked at always)' : ''}`);
    for (const { attribute, sign, values, anchor } of clauses.get(conjunct) ?? []) {
      lines.push(`    ${anchor ? '@' : ' '} ${attribute} ${sign} of ${values.sort().join(', ')}`);
    }
    if (conjunct < activeEnd) lines.push(...linkTexts(reader, conjunct));
  }
  return `${lines.join('\n')}\n`;
}

/** `namespace/name[index]` of a rule, by its number: what `portolan_decision` of the filter names. */
export function ruleName(reader: ProgramReader, rule: number): string {
  const decided = decidedRule(reader, rule);
  return decided === undefined ? 'other routes' : `${decided.namespace}/${decided.name}[${decided.index}]`;
}

/** The policy and rule with this number; undefined when nobody wrote it: that other routes are allowed. */
export function decidedRule(
  reader: ProgramReader,
  rule: number,
): { readonly namespace: string; readonly name: string; readonly index: number } | undefined {
  if (rule < 0 || rule >= reader.u32(AUTHZ_RULE_COUNT)) return undefined;
  const record = reader.u32(AUTHZ_RULE_TABLE) + RULE_SIZE * rule;
  const policy = reader.u32(AUTHZ_POLICIES) + POLICY_SIZE * reader.u32(record);
  const text = reader.text(reader.u32(policy), reader.u32(policy + 4));
  const [, namespace, name] = /^ns\[(.*)\]-policy\[(.*)\]-rule\[$/.exec(text) ?? [];
  if (namespace === OTHER_ROUTES.namespace && name === OTHER_ROUTES.name) return undefined;
  return { namespace: namespace ?? '?', name: name ?? '?', index: reader.u32(record + 4) };
}

function flagTexts(flags: number): string {
  const texts = [
    (flags & AUTHZ_ALLOWS) !== 0 ? ', allows' : '',
    (flags & AUTHZ_CUSTOM) !== 0 ? ', says who is asked' : '',
    (flags & AUTHZ_ONE_HEADER) !== 0 ? ', reads one header' : '',
    (flags & AUTHZ_SINGLE_LINES) !== 0 ? ', refuses repeated headers' : '',
  ];
  return texts.join('');
}

const custom = (providers: readonly DecodedProvider[], conjunct: number): string =>
  `CUSTOM "${providers.find(({ end }) => conjunct < end)?.name ?? '?'}"`;

/** Tells attributes about the same thing apart: a conjunct that asks twice uses two. */
function repeated(attributes: readonly { readonly name: string }[], number: number): string {
  const before = attributes.slice(0, number).filter(({ name }) => name === attributes[number]?.name).length;
  return before === 0 ? '' : ` (again ${before})`;
}

function addClauses(clauses: Map<number, Clause[]>, attribute: string, atom: DecodedAtom): void {
  const anchors = new Set(atom.anchor);
  for (const sign of ['any', 'none'] as const) {
    for (const conjunct of sign === 'any' ? atom.positive : atom.negative) {
      const its = clauses.get(conjunct) ?? [];
      clauses.set(conjunct, its);
      let clause = its.find((other) => other.attribute === attribute && other.sign === sign);
      if (clause === undefined) {
        clause = { attribute, sign, values: [], anchor: false };
        its.push(clause);
      }
      clause.values.push(atom.text);
      clause.anchor ||= sign === 'any' && anchors.has(conjunct);
    }
  }
}

function linkTexts(reader: ProgramReader, conjunct: number): readonly string[] {
  const links = reader.u32(AUTHZ_LINKS);
  const record = links === 0 ? 0 : reader.u32(links + 4 * conjunct);
  if (record === 0) return [];
  return Array.from({ length: reader.u32(record) }, (_, i) => {
    const link = record + 4 + 8 * i;
    return `      and one of ${reader.u32(link)} to ${reader.u32(link + 4) - 1}`;
  });
}
