/** A TCP port that takes connections while the node takes calls: the load balancer for turns: asks it, and sends new ones elsewhere when it is closed. */
import { once } from 'node:events';
import { createServer } from 'node:net';

export interface ReadyPort {
  /** Refuses connections from now on. */
  close(): void;
}

/** @throws Error naming the setting when the port cannot be had */
export async function openReadyPort(address: string, port: number): Promise<ReadyPort> {
  // A TCP health check is a connection; nothing is said over it.
  const server = createServer((socket) => socket.destroy()).listen(port, address);
  await once(server, 'listening').catch((error: unknown) => {
    throw new Error(`READY_PORT: ${String(error)}. Fix: a port that nothing else takes.`);
  });
  return { close: () => void server.close() };
}
