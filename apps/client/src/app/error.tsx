'use client';
import { useStore } from '@tandem/react';
import { call } from '../call/call-model.ts';
import { useText } from '../i18n/index.ts';
import { Shell } from '../ui/shell.tsx';

/** The last resort: what no part of the page caught. A call that is still on can be left from here. */
export default function ErrorPage({ error, reset }: { error: Error; reset: () => void }) {
  const t = useText();
  const phase = useStore(call, (s) => s.phase);
  return (
    <Shell>
      <main id="main" className="plain-page">
        <h1>{t('app.crashed')}</h1>
        <p className="soft">{error.message}</p>
        <div className="actions">
          <button type="button" className="button primary" onClick={reset}>
            {t('app.retry')}
          </button>
          {phase === 'call' && (
            <button type="button" className="button danger" data-testid="leave" onClick={() => call.leave()}>
              {t('control.leave')}
            </button>
          )}
        </div>
      </main>
    </Shell>
  );
}
