import type { Nack } from './event.ts';

const MAX_REASON = 1_000;

/** Everything between the lines of a PEM block, or to the end where it was cut. */
const PEM = /-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|$)/gs;

/** What Envoy writes between a resource that it quotes, secrets and all, and its reason. */
const DUMP_END = '\n: ';

/** How the quotation begins, where no reason follows it. */
const DUMP = /\bgo(?:o\.gle)?\/debug/;

/** What a refusal says, safe to show: each on one line, without the resource that Envoy quotes. */
export interface NackReason {
  /** Of the response as a whole. */
  readonly reason: string;
  /** By name, those of the response's resources that it complains of; empty when it does not say. */
  readonly blamed: ReadonlyMap<string, string>;
}

/**
 * Reads the message of a refusal of a response that changed `names`. Listeners and clusters are complained of by name,
 * `Error adding/updating listener(s) a: why\nb: why`, and the others of the response are in force; of other types a
 * message tells the first reason alone.
 */
export function readNack(message: string, names: readonly string[]): NackReason {
  const complaints = names.flatMap((name) => complaint(message, name)).sort((a, b) => a.start - b.start);
  const blamed = complaints.map(({ name, start }, index) => {
    const text = message.slice(start + name.length + 2, complaints[index + 1]?.start);
    return [name, show(text)] as const;
  });
  return { reason: show(message), blamed: new Map(blamed) };
}

/** Where the message complains of a name: at the start of a line, or after the words that introduce the first. */
function complaint(message: string, name: string): readonly { readonly name: string; readonly start: number }[] {
  for (let start = message.indexOf(`${name}: `); start !== -1; start = message.indexOf(`${name}: `, start + 1)) {
    if (/(?:^|\n|\(s\) )$/.test(message.slice(Math.max(0, start - 4), start))) return [{ name, start }];
  }
  return [];
}

function withoutDump(text: string): string {
  const end = text.lastIndexOf(DUMP_END);
  const reason = end === -1 ? text : text.slice(end + DUMP_END.length);
  const start = reason.search(DUMP);
  return start === -1 ? reason : reason.slice(0, start);
}

function show(text: string): string {
  const safe = withoutDump(text).replace(PEM, '(key material left out)');
  // oxlint-disable-next-line no-control-regex
  const line = safe.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  if (line === '') return 'no reason given';
  return line.length > MAX_REASON ? `${line.slice(0, MAX_REASON)}…` : line;
}

/** Remembers which refusals were told, so that a node that asks again and again is told of once a version. */
export class NackLog {
  readonly #told = new Map<string, string>();
  readonly #limit: number;

  /** @param limit resources remembered; beyond it the oldest are forgotten, and told of again. */
  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  /** Whether this refusal is news. */
  isNew(nack: Nack): boolean {
    const resource = `${nack.node}\n${nack.typeUrl}\n${nack.name}`;
    if (this.#told.get(resource) === nack.version) return false;
    this.#told.delete(resource);
    this.#told.set(resource, nack.version);
    const [oldest] = this.#told.keys();
    if (this.#told.size > this.#limit && oldest !== undefined) this.#told.delete(oldest);
    return true;
  }
}
