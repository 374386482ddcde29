#!/usr/bin/env node
import { main } from '#cli/main.ts';

// A reader that has seen enough (`portolan translate … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

// While a verb waits for something that by itself keeps no process alive (a tunnel that closes, an unreferenced timer),
// Node would end in silence with status 13.
const busy = setInterval(() => undefined, 2 ** 30);
process.exitCode = await main(process.argv.slice(2));
clearInterval(busy);
