'use client';
import { type ReactNode, useEffect } from 'react';
import { UpdateNotice } from '../features/pwa/update-notice.tsx';
import { LANGUAGES, type Language, matchLanguage, setLanguage } from '../i18n/index.ts';
import { followWithdrawals, loadPreferences, preferences } from '../lib/preferences.ts';
import { loadRuntimeConfig } from '../lib/runtime-config.ts';
import { Part } from '../ui/part.tsx';

/** A deployment without a look of its own loads nothing for it; one whose look does not load is shown as ours. */
async function showLook(): Promise<void> {
  const { branding, languages, features } = await loadRuntimeConfig();
  if (branding || languages || features)
    await (await import('../lib/apply-look.ts')).applyLook({ branding, languages, features });
}

/** What every page needs: preferences, language, the service worker. */
export function Root({ children }: { children: ReactNode }) {
  useEffect(() => {
    loadPreferences();
    const { language } = preferences.get();
    // A language that does not load leaves the page in English.
    setLanguage(language in LANGUAGES ? (language as Language) : matchLanguage(navigator.languages)).catch(() => {});
    void showLook().catch(() => {});
    const unfollow = followWithdrawals();
    const unsubscribe = preferences.subscribe(() => {
      const { theme } = preferences.get();
      if (theme === 'system') delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = theme;
    });
    return () => {
      unfollow();
      unsubscribe();
    };
  }, []);
  return (
    <>
      {children}
      <Part fallback={() => null}>
        <UpdateNotice />
      </Part>
    </>
  );
}
