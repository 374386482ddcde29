import { Context } from './context.ts';
import { NO_PROGRAM, Program, release } from './program.ts';

/**
 * One use of the filter in Envoy's configuration. A VM has many: one for every service port, and after an update by
 * ECDS a new one beside the old, which lives until its last stream has ended.
 */
@unmanaged
export class Root extends Context {
  program: Program = NO_PROGRAM;
}

export function createRoot(id: u32): Root {
  const root = changetype<Root>(heap.alloc(offsetof<Root>()));
  root.id = id;
  root.rootId = 0;
  root.program = NO_PROGRAM;
  return root;
}

/** Puts a program in force for the streams that begin from now on. */
export function setProgram(root: Root, program: Program): void {
  const old = root.program;
  root.program = program;
  release(old);
}

export function freeRoot(root: Root): void {
  release(root.program);
  heap.free(changetype<usize>(root));
}
