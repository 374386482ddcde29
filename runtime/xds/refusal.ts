/** Why a stream is ended by us; the words go to the client and to the log. */
export type RefusalCode = 'no-node' | 'bad-node' | 'not-allowed' | 'too-much' | 'too-slow' | 'closing';

/** Thrown where a request cannot be served; it ends its stream and nothing else. */
export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
  }
}
