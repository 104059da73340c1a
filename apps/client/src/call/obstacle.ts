import type { SignalingSession } from '@tandem/rtc';
import { apiUrl, loadRuntimeConfig } from '../lib/runtime-config.ts';
import type { Obstacle } from './types.ts';

/** Joining for this long, ms, earns words: with the question below, people know why within 20 s. */
const SLOW_MS = 10_000;
const ASK_MS = 5000;
/** What stood in the way may have gone, and something else come, ms. */
const AGAIN_MS = 5000;

/**
 * Says what stands in the way when joining takes long. WebSockets that a proxy refuses look the same as a proxy that
 * swallows them, or as a service that is away: a plain request to the same address tells the two apart.
 * @returns what ends the watch
 */
export function watchObstacle(session: SignalingSession, found: (obstacle: Obstacle) => void): () => void {
  let over = false;
  let timer = setTimeout(look, navigator.onLine ? SLOW_MS : 0);
  async function look(): Promise<void> {
    const obstacle = await whatStandsInTheWay(session);
    if (over) return;
    found(obstacle);
    timer = setTimeout(look, AGAIN_MS);
  }
  const changed = () => {
    clearTimeout(timer);
    timer = setTimeout(look, navigator.onLine ? AGAIN_MS : 0);
  };
  addEventListener('online', changed);
  addEventListener('offline', changed);
  return () => {
    over = true;
    clearTimeout(timer);
    removeEventListener('online', changed);
    removeEventListener('offline', changed);
  };
}

async function whatStandsInTheWay(session: SignalingSession): Promise<Obstacle> {
  if (!navigator.onLine) return 'offline';
  const answers = await reachable();
  if (session.state === 'open') return 'slow';
  return answers ? 'websocket' : 'service';
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
