/** Nanoseconds since 1970. */
export interface Clock {
  now(): bigint;
}

/** A clock that stands still until it is moved: time in a test is what the test says. */
export class ManualClock implements Clock {
  #now: bigint;

  /** `start` in nanoseconds since 1970; 2026-01-01T00:00:00Z unless given. */
  constructor(start = 1_767_225_600_000_000_000n) {
    this.#now = start;
  }

  now(): bigint {
    return this.#now;
  }

  /** Never goes back. */
  moveTo(time: bigint): void {
    if (time > this.#now) this.#now = time;
  }
}

const NANOSECONDS_A_MILLISECOND = 1_000_000n;

/** Milliseconds, also fractions, in nanoseconds. */
export const milliseconds = (count: number): bigint => BigInt(Math.round(count * 1e6));

interface Timer {
  readonly context: number;
  readonly period: bigint;
  due: bigint;
}

/** The ticks of one VM: at most one timer a root context, armed again after each tick, as Envoy does. */
export class Timers {
  readonly #clock: Clock;
  readonly #timers = new Map<number, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ticks `context` every `period` milliseconds from now; 0 stops it. */
  set(context: number, period: number): void {
    if (period === 0) {
      this.#timers.delete(context);
      return;
    }
    const nanoseconds = BigInt(period) * NANOSECONDS_A_MILLISECOND;
    this.#timers.set(context, { context, period: nanoseconds, due: this.#clock.now() + nanoseconds });
  }

  /** When the next tick is due, if any. */
  get next(): bigint | undefined {
    return this.#first()?.due;
  }

  /** Runs the tick that is due first, if one is due by the clock; says whether there was one. */
  run(tick: (context: number) => void): boolean {
    const timer = this.#first();
    if (!timer || timer.due > this.#clock.now()) return false;
    // Armed again unless the callback stopped or replaced it.
    timer.due = this.#clock.now() + timer.period;
    tick(timer.context);
    return true;
  }

  remove(context: number): void {
    this.#timers.delete(context);
  }

  #first(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers.values()) if (!first || timer.due < first.due) first = timer;
    return first;
  }
}
