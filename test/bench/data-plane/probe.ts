import { connect } from 'node:net';

/** Sends one request as it is written, on a connection of its own, and gives the status that it is answered with. */
export function probe(port: number, request: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => void socket.write(request));
    const timer = setTimeout(() => socket.destroy(new Error(`port ${port} did not answer in 10 s`)), 10_000);
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
      if (status === undefined) return;
      clearTimeout(timer);
      socket.destroy();
      resolve(Number(status));
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      reject(new Error(`port ${port} closed the connection after ${JSON.stringify(text)}`));
    });
  });
}
