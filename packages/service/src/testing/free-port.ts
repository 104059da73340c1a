/** A port for a server that a test starts as a process of its own, which cannot take one that the kernel chooses. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below what Linux gives to outgoing connections (`ip_local_port_range` begins at 32,768): they would take it before the server does. */
const [FIRST, END] = [10_000, 32_768];

/** A TCP port of 127.0.0.1 at which nothing listens. By chance, so that two test processes do not meet at one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
