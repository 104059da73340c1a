import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { boot } from '../app/boot.ts';
import { icons } from '../ui/icons.tsx';
import { messages as ar } from './ar.ts';
import { messages as de } from './de.ts';
import { en as first } from './en.ts';
import { enLazy } from './en-lazy.ts';
import { messages as es } from './es.ts';
import { messages as fr } from './fr.ts';
import { messages as hi } from './hi.ts';
import { format, LANGUAGES, type Language, matchLanguage, setLanguage } from './index.ts';
import { messages as ja } from './ja.ts';
import type { MessageKey, Messages } from './message.ts';
import { messages as ptBr } from './pt-br.ts';
import type { Message } from './text.ts';
import { messages as zhHans } from './zh-hans.ts';

const en: Messages = { ...first, ...enLazy };
const languages: Record<Language, Messages> = { en, de, es, fr, 'pt-BR': ptBr, ar, hi, ja, 'zh-Hans': zhHans };
const keys = Object.keys(en) as MessageKey[];
const forms = (message: Message) => (typeof message === 'string' ? [message] : Object.values(message));
const placeholders = (text: string) => new Set(text.match(/\{\w+\}/g) ?? []);

test.each(Object.entries(languages))('%s has every text, and no other', (_name, messages) => {
  expect(Object.keys(messages).sort()).toEqual([...keys].sort());
  for (const key of keys) for (const text of forms(messages[key])) expect(text.trim(), key).not.toBe('');
});

test.each(Object.entries(languages))('%s uses only placeholders that English fills in', (_name, messages) => {
  for (const key of keys) {
    const known = new Set(forms(en[key]).flatMap((text) => [...placeholders(text)]));
    for (const text of forms(messages[key]))
      for (const name of placeholders(text)) expect([...known], `${key}: ${text}`).toContain(name);
    // The general form must not lose a value; special plural forms may ("two people").
    const general = typeof messages[key] === 'string' ? messages[key] : (messages[key] as { other: string }).other;
    expect(placeholders(general).size, key).toBe(known.size);
  }
});

test('plural forms follow the language', () => {
  expect(format(en, 'en', 'call.people', { count: 1 })).toBe('1 person');
  expect(format(en, 'en', 'call.people', { count: 4 })).toBe('4 people');
  expect(format(ar, 'ar', 'call.people', { count: 2 })).toBe('شخصان');
  expect(format(de, 'de', 'call.people', { count: 1200 })).toBe('1.200 Personen');
});

test('the browser asks, we match what we have; the script before the first paint chooses the same', () => {
  for (const [wanted, ours] of [
    [['nl', 'de-AT', 'en'], 'de'],
    [['fr-CA'], 'fr'],
    [['ar-EG'], 'ar'],
    [['pt-PT'], 'pt-BR'],
    [['zh-CN'], 'zh-Hans'],
    [['zh-Hans-SG'], 'zh-Hans'],
    [['zh-TW', 'ja'], 'ja'],
    [['zh-Hant'], 'en'],
    [['hi-IN'], 'hi'],
    [[], 'en'],
  ] as const) {
    expect(matchLanguage(wanted), wanted.join()).toBe(ours);
    const element = { dataset: {}, lang: 'en', dir: 'ltr', setAttribute: () => {}, removeAttribute: () => {} };
    new Function('document', 'localStorage', 'navigator', 'setTimeout', 'requestAnimationFrame', boot)(
      { documentElement: element, querySelectorAll: () => [] },
      { getItem: () => null },
      { languages: wanted },
      () => {},
      () => {},
    );
    expect(element.lang, wanted.join()).toBe(ours);
    expect(element.dir).toBe(ours === 'ar' ? 'rtl' : 'ltr');
  }
});

test.each(Object.entries(languages))(
  '%s has a form for every number that its plurals tell apart',
  (language, messages) => {
    const rules = new Intl.PluralRules(language);
    const needed = new Set(Array.from({ length: 1001 }, (_, count) => rules.select(count)));
    const all = new Set<string>(rules.resolvedOptions().pluralCategories);
    for (const key of keys) {
      const message = messages[key];
      if (typeof en[key] === 'string') expect(typeof message, key).toBe('string');
      if (typeof message === 'string') continue;
      for (const form of Object.keys(message)) expect([...all], `${key}: ${form}`).toContain(form);
      for (const form of needed) expect(Object.keys(message), key).toContain(form);
    }
  },
);

/** About how wide a text is, in letters: an ideograph takes two. */
const width = (text: string) =>
  [...text].reduce((sum, char) => sum + (/[\u1100-\u9fff\uac00-\ud7af\uff00-\uff60]/.test(char) ? 2 : 1), 0);
/** What stands in a button, a tab, a row or a tile, where a long word is cut or breaks the line. */
const TIGHT =
  /^(control|host|reaction|quality\.(good|fair|poor|unknown|incoming\w*|audioOnly|details)|people\.(hear|muteForMe|volume)|lobby\.(start|join|cancel|joining)|call\.tile(Away|Failed|Weak|Muted)|end\.(rate\d|issue\.\w+|send|rejoin|new))$|^(control|host)\./;

test.each(Object.entries(languages))(
  '%s: what stands in a tight place is not much longer than in English',
  (_language, messages) => {
    for (const key of keys.filter((one) => TIGHT.test(one)))
      for (const text of forms(messages[key]))
        expect(width(text), `${key}: ${text}`).toBeLessThanOrEqual(Math.max(...forms(en[key]).map(width)) * 1.6 + 10);
  },
);

test('every language on offer names itself in its own words', () => {
  for (const [language, name] of Object.entries(LANGUAGES)) {
    const own = new Intl.DisplayNames([language], { type: 'language' }).of(language) ?? '';
    expect(name.toLocaleLowerCase(), language).toContain([...own.toLocaleLowerCase()].slice(0, 2).join(''));
  }
});

test('the language that was asked for last is shown, also when one before it arrives later', async () => {
  const root = { lang: '', dir: '', removeAttribute: () => {} };
  vi.stubGlobal('document', { documentElement: root });
  onTestFinished(() => void vi.unstubAllGlobals());
  await Promise.all([setLanguage('ar'), setLanguage('en')]);
  expect(root).toMatchObject({ lang: 'en', dir: 'ltr' });
});

test('a name in the other direction does not turn the words around it', () => {
  expect(format(en, 'en', 'call.joined', { name: 'Ada' })).toBe('Ada joined');
  expect(format(en, 'en', 'call.joined', { name: 'غرفة' })).toBe('\u2068غرفة\u2069 joined');
  expect(format(ar, 'ar', 'call.joined', { name: 'Ada' })).toContain('\u2068Ada\u2069');
});

test('in Arabic a plus is before its number, and the words of a button with a number on it have the number', () => {
  // Of the other direction, the plus would be behind it (UAX 9: a sign between words and a number goes with the words).
  expect(format(ar, 'ar', 'call.more', { count: 47 })).toMatch(/^[\u2066\u200e]/);
  // Who says "press Chat 2" to the computer presses it (WCAG 2.5.3).
  for (const count of [1, 2, 3, 11, 100])
    expect(format(ar, 'ar', 'control.chatUnread', { count })).toContain(count.toLocaleString('ar'));
});

/** Files that come with `entry` at once: its static imports, and theirs. */
function comesWith(entry: string, seen = new Set<string>()): Set<string> {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  const code = readFileSync(entry, 'utf8');
  for (const [, from = ''] of code.matchAll(/^(?:import|export)\s(?!type\b)[^;]*?from '(\.[^']+\.tsx?)'/gm))
    comesWith(path.resolve(path.dirname(entry), from), seen);
  return seen;
}

test('what is loaded with the first page says and shows nothing that is loaded later', () => {
  const src = path.resolve(import.meta.dirname, '..');
  const entries = ['features/start.tsx', 'app/root.tsx', 'app/error.tsx', 'app/not-found.tsx', 'app/offline/page.tsx'];
  const files = new Set(entries.flatMap((file) => [...comesWith(path.join(src, file))]));
  const views = [...files].filter((file) => file.endsWith('.tsx'));
  expect(views.length).toBeGreaterThan(15);
  for (const file of views) {
    const code = readFileSync(file, 'utf8');
    // A page of its own, which brings them.
    if (code.includes('lib/load-rest.ts')) continue;
    for (const [, key = ''] of code.matchAll(/'((?:[a-z]+)\.[\w.]+)'/g))
      if (key in en) expect(Object.keys(first), file).toContain(key);
    for (const [, icon] of code.matchAll(/<Icon name="([\w-]+)"/g)) expect(Object.keys(icons), file).toContain(icon);
  }
});
