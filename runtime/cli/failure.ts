import { EXIT, type Exit } from './exit.ts';

export interface FailureDetails {
  /** `PTL2001`, where the case has one. */
  readonly code?: string;
  readonly expected?: string;
  readonly came?: string;
  readonly effect?: string;
  readonly next?: string;
}

/** An end that is the user's to mend: printed by the template of findings, without a stack. All else is a bug. */
export class Failure extends Error {
  readonly exit: Exit;
  readonly details: FailureDetails;

  constructor(exit: Exit, message: string, details: FailureDetails = {}) {
    super(message);
    this.exit = exit;
    this.details = details;
  }
}

export const usage = (message: string, details: FailureDetails = {}): Failure =>
  new Failure(EXIT.usage, message, details);
