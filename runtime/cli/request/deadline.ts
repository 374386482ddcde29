import type { MeshRequest } from '../request.ts';

/** No answer, or no end of it, within the time given. */
export class NoAnswer extends Error {}

export interface Deadline {
  /** The answer has begun. */
  answered(): void;
  /** All is over, well or not. */
  ended(): void;
}

/** The limits of a request: whichever is met first calls `end`. */
export function deadline({ timeoutMs, answerTimeoutMs }: MeshRequest, end: (error: NoAnswer) => void): Deadline {
  let answered = false;
  const after = (ms: number | undefined): NodeJS.Timeout | undefined => {
    if (ms === undefined) return undefined;
    const message = (): string => `${answered ? 'the answer did not end' : 'no answer'} within ${ms} ms`;
    return setTimeout(() => end(new NoAnswer(message())), ms);
  };
  const whole = after(timeoutMs);
  const beginning = after(answerTimeoutMs);
  return {
    answered() {
      answered = true;
      clearTimeout(beginning);
    },
    ended() {
      clearTimeout(beginning);
      clearTimeout(whole);
    },
  };
}
