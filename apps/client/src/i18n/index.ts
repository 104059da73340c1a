'use client';
import { Store, useStore } from '@tandem/react';
import { useCallback } from 'react';
import { en } from './en.ts';
import type { MessageKey, Messages } from './message.ts';

export type { MessageKey } from './message.ts';

/** Languages on offer, each named in itself. English ships with the page, the others load when wanted. */
export const LANGUAGES = {
  en: 'English',
  de: 'Deutsch',
  es: 'Español',
  fr: 'Français',
  'pt-BR': 'Português (Brasil)',
  ar: 'العربية',
  hi: 'हिन्दी',
  ja: '日本語',
  'zh-Hans': '简体中文',
} as const;
export type Language = keyof typeof LANGUAGES;

const loaders: Record<Exclude<Language, 'en'>, () => Promise<{ messages: Messages }>> = {
  de: () => import('./de.ts'),
  es: () => import('./es.ts'),
  fr: () => import('./fr.ts'),
  'pt-BR': () => import('./pt-br.ts'),
  ar: () => import('./ar.ts'),
  hi: () => import('./hi.ts'),
  ja: () => import('./ja.ts'),
  'zh-Hans': () => import('./zh-hans.ts'),
};

/** What is loaded of English: the first page, then the rest. */
let english: Partial<Messages> = en;
const current = new Store<{ language: Language; messages: Partial<Messages> }>({ language: 'en', messages: english });
const pluralRules = new Map<Language, Intl.PluralRules>();

/** The best of ours for what the browser asks for. The script of app/boot.ts does the same before anything is loaded. */
export function matchLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const [base = ''] = tag.toLowerCase().split('-');
    // Written Chinese is two scripts: readers of one may not read the other (BCP 47; likely subtags of CLDR).
    if (base === 'zh' && !/hant|tw|hk|mo/i.test(tag)) return 'zh-Hans';
    if (base === 'pt') return 'pt-BR';
    if (base in LANGUAGES) return base as Language;
  }
  return 'en';
}

/** Counts wishes: a language that arrives after another one was asked for is not shown. */
let wishes = 0;

/** Load and show a language; the page shows (see the boot script in layout.tsx) once it is there. */
export async function setLanguage(language: Language): Promise<void> {
  const wish = ++wishes;
  try {
    const messages = language === 'en' ? undefined : (await loaders[language]()).messages;
    if (wish !== wishes) return;
    current.set({ language, messages: messages ?? english });
    document.documentElement.lang = language;
    document.documentElement.dir = language === 'ar' ? 'rtl' : 'ltr';
  } finally {
    document.documentElement.removeAttribute('data-pending');
  }
}

/** Texts of parts that are loaded later. */
export function addEnglish(messages: Partial<Messages>): void {
  english = { ...english, ...messages };
  if (current.get().language === 'en') current.set({ messages: english });
}

export type Values = Record<string, string | number>;

/** Letters that are written from right to left. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** A value that may run in the other direction, kept from turning the words around it (UAX 9: first strong isolate). */
export function isolate(language: Language, value: string): string {
  return language === 'ar' || RIGHT_TO_LEFT.test(value) ? `\u2068${value}\u2069` : value;
}

/** Fill in a message. `count` chooses the plural form. */
export function format(messages: Partial<Messages>, language: Language, key: MessageKey, values: Values = {}): string {
  const message = messages[key] ?? '';
  let text: string;
  if (typeof message === 'string') text = message;
  else {
    let rules = pluralRules.get(language);
    if (!rules) {
      rules = new Intl.PluralRules(language);
      pluralRules.set(language, rules);
    }
    text = message[rules.select(Number(values.count ?? 0))] ?? message.other;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? value.toLocaleString(language) : isolate(language, value);
  });
}

export type Translate = (key: MessageKey, values?: Values) => string;

/** `t('call.people', {count: 2})` in the language of the moment. */
export function useText(): Translate {
  const language = useStore(current, (s) => s.language);
  const messages = useStore(current, (s) => s.messages);
  return useCallback((key, values) => format(messages, language, key, values), [language, messages]);
}

export const useLanguage = (): Language => useStore(current, (s) => s.language);
