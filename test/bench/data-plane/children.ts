import type { ChildProcess } from 'node:child_process';

const children = new Set<ChildProcess>();

const end = (): void => {
  for (const child of children) child.kill('SIGKILL');
};

/** Sees to it that a child does not outlive this process, however that ends but by SIGKILL. Returns what forgets it. */
export function kill(child: ChildProcess): () => void {
  if (children.size === 0) process.on('exit', end);
  children.add(child);
  const forget = (): void => {
    children.delete(child);
    if (children.size === 0) process.off('exit', end);
  };
  child.once('exit', forget);
  return forget;
}
