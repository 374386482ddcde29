/** An error that a user can do something about, in the three lines that all of ours have. */
export class GuidedError extends Error {
  override readonly name: string = 'GuidedError';
  readonly expected: string;
  readonly came: string;
  readonly next: string;

  constructor(what: string, advice: { readonly expected: string; readonly came: string; readonly next: string }) {
    super(`${what}\n  expected  ${advice.expected}\n  came      ${advice.came}\n  next      ${advice.next}`);
    this.expected = advice.expected;
    this.came = advice.came;
    this.next = advice.next;
  }
}
