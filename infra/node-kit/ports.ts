/** TCP ports for servers that run as processes of their own, which cannot take one that the kernel chooses. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below what Linux gives to outgoing connections (`ip_local_port_range` begins at 32,768): they would take it before the server does. */
const [FIRST, END] = [10_000, 32_768];

/** Can a server listen there? */
export function isPortFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port that is free now. By chance, so that two programs that start at once do not meet at one. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    if (await isPortFree(port, host)) return port;
  }
}
