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

/** Hands over to the waiting version; the page loads again under it. */
function update(waiting: ServiceWorker): void {
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload());
  waiting.postMessage({ type: 'SKIP_WAITING' });
}

/** Offers a waiting version; never in a call, only when somebody says so. */
export function UpdateNotice() {
  const t = useText();
  const phase = useStore(call, (s) => s.phase);
  const [hidden, setHidden] = useState(false);
  const busy = phase === 'call' || phase === 'joining';
  const waiting = useWaitingWorker(busy);
  if (!waiting || hidden) return null;
  // In a call there is nothing to do about it: stay quiet, the lobby will tell.
  if (busy) return <span hidden data-testid="update-deferred" />;
  return (
    <div className="snackbar" role="status" data-testid="update-notice">
      <span>{t('app.updateReady')}</span>
      <button type="button" className="button compact" onClick={() => update(waiting)}>
        {t('app.updateNow')}
      </button>
      <button type="button" className="button quiet compact" onClick={() => setHidden(true)}>
        {t('app.dismiss')}
      </button>
    </div>
  );
}
