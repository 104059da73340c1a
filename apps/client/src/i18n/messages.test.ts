import { expect, test } from 'vitest';
import { messages as ar } from './ar.ts';
import { messages as de } from './de.ts';
import { en, type Message, type MessageKey } from './en.ts';
import { format, matchLanguage } from './index.ts';

const languages = { en, de, ar };
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

test('the browser asks, we match what we have', () => {
  expect(matchLanguage(['fr-CA', 'de-AT', 'en'])).toBe('de');
  expect(matchLanguage(['ar-EG'])).toBe('ar');
  expect(matchLanguage(['ja'])).toBe('en');
  expect(matchLanguage([])).toBe('en');
});

test('a name in the other direction does not turn the words around it', () => {
  expect(format(en, 'en', 'call.joined', { name: 'Ada' })).toBe('Ada joined');
  expect(format(en, 'en', 'call.joined', { name: 'غرفة' })).toBe('\u2068غرفة\u2069 joined');
  expect(format(ar, 'ar', 'call.joined', { name: 'Ada' })).toContain('\u2068Ada\u2069');
});
