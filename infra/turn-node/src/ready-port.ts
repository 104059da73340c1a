/** A TCP port that takes connections while the node takes calls: the load balancer for turns: asks it, and sends new ones elsewhere when it is closed. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

export class ReadyPort {
  readonly #address: string;
  readonly #port: number | undefined;
  #server: Server | undefined;

  /** @param port undefined: there is none, and nothing is opened */
  constructor(address: string, port: number | undefined) {
    this.#address = address;
    this.#port = port;
  }

  /** Opens or closes it, as far as it is not so already. @throws Error naming the setting when the port cannot be had */
  async follow(takesCalls: boolean): Promise<void> {
    if (!takesCalls) return this.close();
    if (this.#port === undefined || this.#server) return;
    // A TCP health check is a connection; nothing is said over it.
    const server = createServer((socket) => socket.destroy()).listen(this.#port, this.#address);
    this.#server = server;
    try {
      await once(server, 'listening');
    } catch (error) {
      this.close();
      throw new Error(`READY_PORT: ${String(error)}. Fix: a port that nothing else takes.`);
    }
    // Closed meanwhile.
    if (this.#server !== server) server.close();
  }

  /** Refuses connections from now on. */
  close(): void {
    this.#server?.close();
    this.#server = undefined;
  }
}
