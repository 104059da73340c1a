'use client';
import { useStore } from '@tandem/react';
import { useEffect, useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { basePath } from '../../lib/runtime-config.ts';

/** The worker copies the whole app: not while somebody waits for the page, and not in a call that needs the network. */
const QUIET_MS = 3000;

/** Registers the service worker. @returns the version that waits for leave to take over */
function useWaitingWorker(busy: boolean): ServiceWorker | undefined {
  const [waiting, setWaiting] = useState<ServiceWorker | undefined>();
  const watched = useRef<ServiceWorkerRegistration>(undefined);
  useEffect(() => {
    if (!('serviceWorker' in navigator) || process.env.NODE_ENV !== 'production') return;
    const watch = (registration: ServiceWorkerRegistration | undefined) => {
      // Some browsers answer with nothing where workers are switched off.
      if (!registration || watched.current === registration) return;
      watched.current = registration;
      const look = () => {
        // Without a controller this is the first install: nothing to update.
        if (registration.waiting && navigator.serviceWorker.controller) setWaiting(registration.waiting);
      };
      look();
      registration.addEventListener('updatefound', () => {
        registration.installing?.addEventListener('statechange', look);
      });
    };
    // No worker (private window, plain http): the app works without.
    const without = () => {};
    // That of an earlier visit, which asks the network nothing.
    navigator.serviceWorker.getRegistration(`${basePath}/`).then(watch, without);
    if (busy) return;
    const timer = setTimeout(() => {
      navigator.serviceWorker
        .register(`${basePath}/sw.js`, { scope: `${basePath}/`, updateViaCache: 'none' })
        .then(watch, without);
    }, QUIET_MS);
    return () => clearTimeout(timer);
  }, [busy]);
  return waiting;
}

/** Each tab in a call holds it: a version that takes over does so in all tabs, and the files of the one before go. */
const IN_CALL = 'tandem-in-call';

function useCallLock(busy: boolean): void {
  useEffect(() => {
    if (!busy || !navigator.locks) return;
    const over = new AbortController();
    const held = new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve()));
    // It rejects when the call ends before its turn.
    navigator.locks.request(IN_CALL, { mode: 'shared', signal: over.signal }, () => held).catch(() => {});
    return () => over.abort();
  }, [busy]);
}

/** Hands over to the waiting version; the page loads again under it. @returns when a tab is in a call, so that nothing was done */
async function update(waiting: ServiceWorker): Promise<void> {
  const takeOver = () => {
    navigator.serviceWorker.addEventListener('controllerchange', () => location.reload());
    waiting.postMessage({ type: 'SKIP_WAITING' });
    // The page ends with it.
    return new Promise<never>(() => {});
  };
  if (!navigator.locks) return takeOver();
  await navigator.locks.request(IN_CALL, { ifAvailable: true }, (lock) => (lock ? takeOver() : undefined));
}

/** Offers a waiting version; never in a call, only when somebody says so. While another tab is in one, the offer goes until the next visit. */
export function UpdateNotice() {
  const t = useText();
  const phase = useStore(call, (s) => s.phase);
  const [hidden, setHidden] = useState(false);
  const busy = phase === 'call' || phase === 'joining';
  const waiting = useWaitingWorker(busy);
  useCallLock(busy);
  if (!waiting || hidden) return null;
  // In a call there is nothing to do about it: stay quiet, the lobby will tell.
  if (busy) return <span hidden data-testid="update-deferred" />;
  return (
    <div className="snackbar" role="status" data-testid="update-notice">
      <span>{t('app.updateReady')}</span>
      <button type="button" className="button compact" onClick={() => void update(waiting).then(() => setHidden(true))}>
        {t('app.updateNow')}
      </button>
      <button type="button" className="button quiet compact" onClick={() => setHidden(true)}>
        {t('app.dismiss')}
      </button>
    </div>
  );
}
