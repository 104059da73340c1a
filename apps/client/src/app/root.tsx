'use client';
import { type ReactNode, useEffect } from 'react';
import { UpdateNotice } from '../features/pwa/update-notice.tsx';
import { LANGUAGES, type Language, matchLanguage, setLanguage } from '../i18n/index.ts';
import { loadPreferences, preferences } from '../lib/preferences.ts';

/** What every page needs: preferences, language, the service worker. */
export function Root({ children }: { children: ReactNode }) {
  useEffect(() => {
    loadPreferences();
    const { language } = preferences.get();
    void setLanguage(language in LANGUAGES ? (language as Language) : matchLanguage(navigator.languages));
    return preferences.subscribe(() => {
      const { theme } = preferences.get();
      if (theme === 'system') delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = theme;
    });
  }, []);
  return (
    <>
      {children}
      <UpdateNotice />
    </>
  );
}
