import type { Call } from '@tandem/rtc';
import type { CallState } from './state.ts';

/** Is this device on line, and its session? @returns what writes that down after a change of the call's state, and what ends it */
export function followNetwork(call: Pick<Call, 'state'>, state: CallState): { changed: () => void; undo: () => void } {
  const changed = () => {
    const before = state.get().network;
    const network = !navigator.onLine ? 'offline' : call.state === 'reconnecting' ? 'reconnecting' : 'online';
    if (network === 'online' && before !== 'online') state.notify('call.backOnline');
    state.set({ network });
  };
  addEventListener('online', changed);
  addEventListener('offline', changed);
  const undo = () => {
    removeEventListener('online', changed);
    removeEventListener('offline', changed);
  };
  return { changed, undo };
}
