'use client';
import { type ReactNode, useEffect } from 'react';
import { UpdateNotice } from '../features/pwa/update-notice.tsx';
import { LANGUAGES, type Language, matchLanguage, setLanguage } from '../i18n/index.ts';
import { loadPreferences, preferences } from '../lib/preferences.ts';
import { Part } from '../ui/part.tsx';

/** What every page needs: preferences, language, the service worker. */
export function Root({ children }: { children: ReactNode }) {
  useEffect(() => {
    loadPreferences();
    const { language } = preferences.get();
    // A language that does not load leaves the page in English.
    setLanguage(language in LANGUAGES ? (language as Language) : matchLanguage(navigator.languages)).catch(() => {});
    return preferences.subscribe(() => {
      const { theme } = preferences.get();
      if (theme === 'system') delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = theme;
    });
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
