/** How a verb ends; scripts rely on these numbers. */
export const EXIT = {
  ok: 0,
  /** Checked, and found something. */
  found: 1,
  failed: 2,
  usage: 64,
  badInput: 65,
  unreachable: 69,
  bug: 70,
  timedOut: 75,
  refused: 77,
  interrupted: 130,
} as const;

export type Exit = (typeof EXIT)[keyof typeof EXIT];

export const exitMeanings: Readonly<Record<Exit, string>> = {
  0: 'ok',
  1: 'checked and found something',
  2: 'failed at run time',
  64: 'wrong usage',
  65: 'bad input file',
  69: 'not reachable (a running portolan, or a waypoint)',
  70: 'a bug of portolan',
  75: 'timed out, try again',
  77: 'refused (permission, certificate)',
  130: 'interrupted',
};
