'use client';
import { useStore } from '@tandem/react';
import { useEffect, useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { basePath } from '../../lib/runtime-config.ts';

/** The worker copies the whole app: not while somebody waits for the page, and not in a call that needs the network. */
const QUIET_MS = 3000;

/** Registers the service worker, and offers a waiting version; never in a call, only when somebody says so. */
export function UpdateNotice() {
  const t = useText();
  const phase = useStore(call, (s) => s.phase);
  const [waiting, setWaiting] = useState<ServiceWorker | undefined>();
  const [hidden, setHidden] = useState(false);
  const watched = useRef<ServiceWorkerRegistration>(undefined);
  const busy = phase === 'call' || phase === 'joining';

  useEffect(() => {
    if (!('serviceWorker' in navigator)) return;
    let asked = false;
    navigator.serviceWorker.addEventListener('controllerchange', () => {
      if (asked) location.reload();
    });
    const accept = () => {
      asked = true;
    };
    addEventListener('tandem:update', accept);
    return () => removeEventListener('tandem:update', accept);
  }, []);

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

  if (!waiting || hidden) return null;
  // In a call there is nothing to do about it: stay quiet, the lobby will tell.
  if (busy) return <span hidden data-testid="update-deferred" />;
  return (
    <div className="snackbar" role="status" data-testid="update-notice">
      <span>{t('app.updateReady')}</span>
      <button
        type="button"
        className="button primary compact"
        onClick={() => {
          dispatchEvent(new Event('tandem:update'));
          waiting.postMessage({ type: 'SKIP_WAITING' });
        }}
      >
        {t('app.updateNow')}
      </button>
      <button type="button" className="button quiet compact" onClick={() => setHidden(true)}>
        {t('app.dismiss')}
      </button>
    </div>
  );
}
