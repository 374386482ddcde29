import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

// The load generator where there is no wrk; a process of its own. Arguments: port, file of requests, connections.
// Speaks as wrk's script does: READY, and on SIGINT a line with requests, microseconds and failures.

const [, , port = '', file = '', connections = ''] = process.argv;
const requests = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => line.replaceAll('\u0001', '\r\n'));

let answered = 0;
let failed = 0;

/** Answers have a length and come whole: those of the harness are a few bytes. */
function open(): void {
  let pending = '';
  const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true });
  const next = (): void => void socket.write(requests[Math.floor(Math.random() * requests.length)] ?? '');
  socket.on('connect', next);
  socket.setEncoding('latin1').on('data', (text: string) => {
    pending += text;
    const head = pending.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(pending)?.[1] ?? 0);
    if (pending.length < head + 4 + length) return;
    answered++;
    if (pending.charCodeAt(9) >= 0x34) failed++; // "HTTP/1.1 4…"
    pending = '';
    next();
  });
  socket.on('error', () => failed++);
}

const began = performance.now();
for (let i = 0; i < Number(connections); i++) open();
process.once('SIGINT', () => {
  const microseconds = Math.round((performance.now() - began) * 1_000);
  process.stdout.write(`SUM ${answered} ${microseconds} ${failed}\n`, () => process.exit(0));
});
process.stderr.write('READY\n');
