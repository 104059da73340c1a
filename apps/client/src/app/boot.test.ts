import { expect, test } from 'vitest';
import { boot } from './boot.ts';

/** What the script does on a page that finds `stored`. */
function booted(stored: string | null) {
  const scripts: string[] = [];
  const link = { getAttribute: () => '/main.js' };
  const documentElement = { dataset: {} as { theme?: string }, lang: 'en', setAttribute() {}, removeAttribute() {} };
  const document = {
    documentElement,
    hidden: true,
    querySelectorAll: () => [link],
    createElement: () => ({}),
    head: { appendChild: ({ src }: { src: string }) => scripts.push(src) },
  };
  new Function('document', 'localStorage', 'navigator', 'setTimeout', boot)(
    document,
    { getItem: () => stored },
    { languages: ['en'] },
    () => {},
  );
  return { scripts, lang: documentElement.lang, theme: documentElement.dataset.theme };
}

test.each(['null', '[]', '7', '"x"', 'true', '{', ''])(
  'stored as %s: the page runs its scripts all the same, as for somebody new',
  (stored) => {
    expect(booted(stored)).toEqual({ scripts: ['/main.js'], lang: 'en', theme: undefined });
  },
);

test('what is remembered is there before the first paint', () => {
  expect(booted(null)).toEqual({ scripts: ['/main.js'], lang: 'en', theme: undefined });
  expect(booted('{"theme":"dark","language":"de"}')).toEqual({ scripts: ['/main.js'], lang: 'de', theme: 'dark' });
});
