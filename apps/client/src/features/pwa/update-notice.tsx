'use client';
import { useStore } from '@tandem/react';
import { useEffect, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { basePath } from '../../lib/runtime-config.ts';

/** Registers the service worker, and offers a waiting version; never in a call, only when somebody says so. */
export function UpdateNotice() {
  const t = useText();
  const phase = useStore(call, (s) => s.phase);
  const [waiting, setWaiting] = useState<ServiceWorker | undefined>();
  const [hidden, setHidden] = useState(false);

  useEffect(() => {
    if (!('serviceWorker' in navigator) || process.env.NODE_ENV !== 'production') return;
    let asked = false;
    navigator.serviceWorker.addEventListener('controllerchange', () => {
      if (asked) location.reload();
    });
    const watch = (registration: ServiceWorkerRegistration | undefined) => {
      // Some browsers answer with nothing where workers are switched off.
      if (!registration) return;
      const look = () => {
        // Without a controller this is the first install: nothing to update.
        if (registration.waiting && navigator.serviceWorker.controller) setWaiting(registration.waiting);
      };
      look();
      registration.addEventListener('updatefound', () => {
        registration.installing?.addEventListener('statechange', look);
      });
    };
    navigator.serviceWorker
      .register(`${basePath}/sw.js`, { scope: `${basePath}/`, updateViaCache: 'none' })
      .then(watch, () => {
        // No worker (private window, plain http): the app works without.
      });
    const accept = () => {
      asked = true;
    };
    addEventListener('tandem:update', accept);
    return () => removeEventListener('tandem:update', accept);
  }, []);

  if (!waiting || hidden) return null;
  const busy = phase === 'call' || phase === 'joining';
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
