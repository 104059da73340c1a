'use client';
import '../../lib/load-rest.ts';
import { useEffect } from 'react';
import { useText } from '../../i18n/index.ts';
import { Shell } from '../../ui/shell.tsx';

/** Shown by the service worker in place of a page that could not be fetched. */
export default function OfflinePage() {
  const t = useText();
  useEffect(() => {
    const back = () => location.reload();
    addEventListener('online', back);
    return () => removeEventListener('online', back);
  }, []);
  return (
    <Shell>
      <main id="main" className="plain-page">
        <h1>{t('app.offlineTitle')}</h1>
        <p className="soft">{t('app.offlineText')}</p>
        <button type="button" className="button primary" onClick={() => location.reload()}>
          {t('app.retry')}
        </button>
      </main>
    </Shell>
  );
}
