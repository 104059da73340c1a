/** Client sockets of many people in one process, spread over nodes as a load balancer does, each with an address of its own. */
import type { SessionOptions, WebSocketConstructor } from '@tandem/rtc';
import WebSocket from 'ws';

/** A node that takes connections. */
export interface Target {
  readonly port: number;
}

/** Nobody listens there: what a client meets when no node is left. */
const NOWHERE: Target = { port: 9 };

const pick = (targets: readonly Target[]) => targets[Math.floor(Math.random() * targets.length)] ?? NOWHERE;

/** As one of 16 million clients behind one trusted proxy. */
export const addressOf = (i: number): string => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;

export const signalUrl = ({ port }: Target): string => `ws://127.0.0.1:${port}/ws/signal`;

/**
 * What a session needs to reach a random one of `targets` from `address`: its `url` is never asked.
 * @param onRefused called for each plain answer of 429 or 503 that a failed handshake turned out to be
 */
export function spread(
  targets: () => readonly Target[],
  address: string,
  onRefused: () => void = () => {},
): Pick<SessionOptions, 'url' | 'WebSocket' | 'probe'> {
  const headers = { 'x-forwarded-for': address };
  class Spread extends WebSocket {
    constructor(_url: string, protocols: string[]) {
      super(signalUrl(pick(targets())), protocols, { headers, perMessageDeflate: false });
    }
  }
  return {
    url: 'ws://nodes.invalid/ws/signal',
    WebSocket: Spread as unknown as WebSocketConstructor,
    probe: async () => {
      const url = signalUrl(pick(targets())).replace('ws:', 'http:');
      const answer = await fetch(url, { headers, signal: AbortSignal.timeout(3000) });
      await answer.body?.cancel();
      if (answer.status !== 503 && answer.status !== 429) return undefined;
      onRefused();
      return Number(answer.headers.get('retry-after') ?? 1) * 1000;
    },
  };
}

/**
 * Opens `tokens.length` sockets at once, without the SDK, and closes them again.
 * @returns ms until the last `welcome`: what the handshakes alone take; refused ones are tried again at once
 */
export async function bareHandshakes(targets: readonly Target[], tokens: readonly string[]): Promise<number> {
  const began = performance.now();
  const sockets = await Promise.all(
    tokens.map(async (token, i) => {
      for (;;) {
        const socket = await welcomed(targets, token, i);
        if (socket) return socket;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }),
  );
  const took = performance.now() - began;
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          socket.once('close', () => resolve());
          socket.close(1000);
        }),
    ),
  );
  return took;
}

function welcomed(targets: readonly Target[], token: string, i: number): Promise<WebSocket | undefined> {
  const headers = { 'x-forwarded-for': addressOf(i) };
  const socket = new WebSocket(signalUrl(pick(targets)), ['signal.v1', `bearer.${token}`], {
    headers,
    perMessageDeflate: false,
  });
  return new Promise((resolve) => {
    socket.once('message', () => resolve(socket));
    socket.once('close', () => resolve(undefined));
    socket.on('error', () => {});
  });
}
