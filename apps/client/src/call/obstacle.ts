import type { SignalingSession } from '@tandem/rtc';
import { apiUrl, loadRuntimeConfig } from '../lib/runtime-config.ts';
import type { Obstacle } from './types.ts';

/** Joining for this long, ms, earns words: with the question below, people know why within 20 s. */
const SLOW_MS = 10_000;
const ASK_MS = 5000;

/**
 * Says what stands in the way when joining takes long. WebSockets that a proxy refuses look the same as a proxy that
 * swallows them, or as a service that is away: a plain request to the same address tells the two apart.
 * @returns what ends the watch
 */
export function watchObstacle(session: SignalingSession, found: (obstacle: Obstacle) => void): () => void {
  let over = false;
  const timer = setTimeout(() => {
    void reachable().then((answers) => {
      if (!over && session.state !== 'open') found(answers ? 'websocket' : 'service');
      else if (!over) found('slow');
    });
  }, SLOW_MS);
  return () => {
    over = true;
    clearTimeout(timer);
  };
}

/** Does the signaling service answer a plain request at the address of its socket? A gateway that finds no service says 502 to 504. */
async function reachable(): Promise<boolean> {
  try {
    const config = await loadRuntimeConfig();
    const address = apiUrl(config.signalingUrl, '/ws/signal');
    const { status } = await fetch(address, { cache: 'no-store', signal: AbortSignal.timeout(ASK_MS) });
    return status < 500;
  } catch {
    return false;
  }
}
