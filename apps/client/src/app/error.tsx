'use client';
import { useText } from '../i18n/index.ts';
import { Shell } from '../ui/shell.tsx';

export default function ErrorPage({ error, reset }: { error: Error; reset: () => void }) {
  const t = useText();
  return (
    <Shell>
      <main id="main" className="plain-page">
        <h1>{t('app.crashed')}</h1>
        <p className="soft">{error.message}</p>
        <button type="button" className="button primary" onClick={reset}>
          {t('app.retry')}
        </button>
      </main>
    </Shell>
  );
}
