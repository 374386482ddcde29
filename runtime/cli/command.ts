import type { Exit } from './exit.ts';
import type { Terminal } from './terminal.ts';

export interface Flag {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  /** What stands for the value in help: `FILE`. */
  readonly value?: string;
  /** The only values that are taken. */
  readonly choices?: readonly string[];
  readonly default?: string;
  readonly about: string;
  /** Where help lists it; a verb's own flags come first. */
  readonly group?: 'output' | 'common';
  readonly hidden?: boolean;
}

export type Flags = Readonly<Record<string, Flag>>;

/** One verb: all that help, completion and the parser know of it. Pure data; `load` brings its code. */
export interface Command<F extends Flags = Flags> {
  readonly name: string;
  readonly group: 'Waypoint' | 'Look' | 'Other';
  readonly hidden?: boolean;
  /** One sentence, shown in lists. */
  readonly about: string;
  /** Each after `portolan `. */
  readonly usage: readonly string[];
  /** Whole command lines with what they do. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  readonly notes?: readonly string[];
  readonly flags: F;
  readonly exits: readonly (readonly [exit: Exit, when: string])[];
  readonly see: readonly string[];
  /** Words that may stand first: `issue` of `certs`. For completion. */
  readonly words?: readonly string[];
  /** A method, so that a command with its own flags is a `Command`: the parser gives each verb what its table entry says. */
  load(): Promise<{ run(invocation: Invocation<F>): Promise<Exit> }>;
}

type ValueOf<T extends Flag> = T extends { readonly type: 'boolean' }
  ? boolean
  : T extends { readonly multiple: true }
    ? readonly string[]
    : T extends { readonly default: string }
      ? string
      : string | undefined;

/** What the parser gives for the flags: false for a boolean that is absent, an empty list for a repeatable one. */
export type Values<F extends Flags> = { readonly [K in keyof F]: ValueOf<F[K]> };

export interface Invocation<F extends Flags> {
  readonly values: Values<F>;
  readonly positionals: readonly string[];
  readonly terminal: Terminal;
}

type Run<F extends Flags> = (invocation: Invocation<F>) => Promise<Exit>;

/** The type of a verb's code: `RunOf<typeof check>`, from its entry in the table. */
export type RunOf<C> = C extends Command<infer F> ? Run<F> : never;
