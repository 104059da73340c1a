'use client';
import { useEffect, useState } from 'react';
import { useText } from '../../i18n/index.ts';
import { preferences, savePreferences } from '../../lib/preferences.ts';
import { useStore } from '../../lib/store.ts';

/**
 * Offers installing where the browser offers it (Chromium). Not on iOS: an installed app there loses the microphone in
 * the background, a Safari tab does not.
 */
export function InstallHint() {
  const t = useText();
  const seen = useStore(preferences, (p) => p.installHintSeen);
  const [prompt, setPrompt] = useState<BeforeInstallPromptEvent | undefined>();
  useEffect(() => {
    const offered = (event: Event) => {
      event.preventDefault();
      setPrompt(event as BeforeInstallPromptEvent);
    };
    addEventListener('beforeinstallprompt', offered);
    return () => removeEventListener('beforeinstallprompt', offered);
  }, []);
  if (!prompt || seen) return null;
  return (
    <div className="snackbar" role="status">
      <span>{t('app.installHint')}</span>
      <button
        type="button"
        className="button compact"
        onClick={() => {
          void prompt.prompt().catch(() => {});
          setPrompt(undefined);
        }}
      >
        {t('app.install')}
      </button>
      <button type="button" className="button quiet compact" onClick={() => savePreferences({ installHintSeen: true })}>
        {t('app.dismiss')}
      </button>
    </div>
  );
}
