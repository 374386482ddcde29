import type { Measurement } from './control-plane.ts';
import type { DataPlaneResult } from './data-plane/index.ts';
import type { Machine } from './machine.ts';

/** Everything that one run measured; `build/bench/results.json`. */
export interface Results {
  readonly machine: Machine;
  /** RFC 3339. */
  readonly began: string;
  readonly seconds: number;
  /** Few rounds: good for finding out whether it runs, not for numbers. */
  readonly quick: boolean;
  readonly control?: readonly Measurement[];
  readonly data?: DataPlaneResult;
}
