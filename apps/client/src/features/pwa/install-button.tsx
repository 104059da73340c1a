'use client';
import { useEffect, useState } from 'react';
import { useText } from '../../i18n/index.ts';

/**
 * Offers installing where the browser offers it (Chromium). Not on iOS: an installed app there loses the microphone in
 * the background, a Safari tab does not.
 */
export function InstallButton() {
  const t = useText();
  const [prompt, setPrompt] = useState<BeforeInstallPromptEvent | undefined>();
  useEffect(() => {
    const offered = (event: Event) => {
      event.preventDefault();
      setPrompt(event as BeforeInstallPromptEvent);
    };
    addEventListener('beforeinstallprompt', offered);
    return () => removeEventListener('beforeinstallprompt', offered);
  }, []);
  if (!prompt) return null;
  return (
    <button
      type="button"
      className="link"
      data-testid="install"
      onClick={() => {
        void prompt.prompt().catch(() => {});
        setPrompt(undefined);
      }}
    >
      {t('app.install')}
    </button>
  );
}
