'use client';
import { useStore } from '@tandem/react';
import { useSyncExternalStore } from 'react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';

function watchNetwork(changed: () => void): () => void {
  addEventListener('online', changed);
  addEventListener('offline', changed);
  return () => {
    removeEventListener('online', changed);
    removeEventListener('offline', changed);
  };
}

/** Has this device any network, as far as the browser knows? */
const useOnline = (): boolean =>
  useSyncExternalStore(
    watchNetwork,
    () => navigator.onLine,
    () => true,
  );

const WORDS = {
  ready: 'lobby.ready',
  failed: 'lobby.unreachable',
  preparing: 'lobby.preparing',
  offline: 'lobby.offlineNow',
} as const;
const DOTS = { ready: 'good', failed: 'bad', preparing: 'pulse', offline: 'bad' } as const;

/** Is everything there that joining needs, and if not, what is missing? */
export function Readiness() {
  const t = useText();
  const online = useOnline();
  const readiness = useStore(call, (s) => s.readiness);
  const state = online ? readiness : 'offline';
  return (
    <p className="readiness" role="status" data-testid="readiness" data-state={state}>
      <span className={`status-dot ${DOTS[state]}`} />
      {t(WORDS[state])}
    </p>
  );
}
