/** An address of this machine that is not a loopback one: on those ICE gathers no candidates. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';

/** Of TEST-NET-1 (RFC 5737): nothing is sent there, the kernel only looks up the route. */
const FAR = '192.0.2.1';

export const isLoopback = (address: string): boolean => /^(127\.|::1$|localhost$)/.test(address);

/** That of the default route, else the first one. @returns undefined on a machine that has loopback alone */
export async function ownAddress(): Promise<string | undefined> {
  const socket = createSocket('udp4');
  try {
    socket.connect(9, FAR);
    await once(socket, 'connect');
    const { address } = socket.address();
    if (!isLoopback(address)) return address;
  } catch {
    // No route.
  } finally {
    socket.close();
  }
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find((i) => i.family === 'IPv4' && !i.internal)?.address;
}
