/** TCP ports for servers that run as processes of their own, which cannot take one that the kernel chooses. */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer, isIPv6, type ListenOptions, type Server } from 'node:net';

/** Below what Linux gives to outgoing connections (`ip_local_port_range` begins at 32,768): they would take it before the server does. */
const [FIRST, END] = [10_000, 32_768];

/** From the choice of a port until its server listens, at most. A stack starts its children one after another, on a busy machine. */
const CLAIM_MS = 120_000;

/** Can a server listen there? */
export async function isPortFree(port: number, host: string): Promise<boolean> {
  return (await listenFault(port, host)) === undefined;
}

/** Why no server could listen there over TCP, such as `EADDRINUSE`; undefined: one could. */
export async function listenFault(port: number, host: string): Promise<string | undefined> {
  const { server, code = 'unknown' } = await listen({ port, host, exclusive: true });
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  return server ? undefined : code;
}

/** Why no server could listen there over TCP and UDP, such as `EADDRINUSE` or `EADDRNOTAVAIL`; undefined: one could. */
export async function bindFault(port: number, address: string): Promise<string | undefined> {
  const fault = await listenFault(port, address);
  if (fault) return fault;
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4').unref();
  return new Promise((resolve) => {
    const end = (code?: string) => socket.close(() => resolve(code));
    socket.once('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => end(code));
    socket.bind({ port, address, exclusive: true }, () => end());
  });
}

/** A port that is free now, and that nothing else which asks here gets until its server has had time to listen. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    if ((await claimPort(port)) && (await isPortFree(port, host))) return port;
  }
}

/**
 * False when a program of this machine has claimed the port and may still start its server. The claim is a listener at one of Linux'
 * abstract socket names, which ends with its process at the latest; where a system has none, every claim is granted.
 */
export async function claimPort(port: number): Promise<boolean> {
  const { server, code } = await listen({ path: `\0tandem-port-${port}`, exclusive: true });
  if (server) setTimeout(() => server.close(), CLAIM_MS).unref();
  return code !== 'EADDRINUSE';
}

/** Holds a name against the other programs of this machine, as {@link claimPort} does, until it is disposed. @returns undefined when it is held already */
export async function claimName(name: string): Promise<Disposable | undefined> {
  const { server, code } = await listen({ path: `\0tandem-${name}`, exclusive: true });
  if (code === 'EADDRINUSE') return undefined;
  return { [Symbol.dispose]: () => void server?.close() };
}

function listen(where: ListenOptions): Promise<{ server?: Server; code?: string | undefined }> {
  return new Promise((resolve) => {
    const server = createServer().unref();
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve({ code }));
    server.listen(where, () => resolve({ server }));
  });
}
