'use client';
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react';
import { useLanguage, useText } from '../../i18n/index.ts';
import { type Person, PersonRow } from './person-row.tsx';
import { areKeysFree } from './use-shortcuts.ts';
import { useVisibleRows } from './use-visible-rows.ts';

/** From this many people on, looking for one of them is work: they can be searched, and are in the order of their names. */
export const SEARCH_FROM = 8;

/** Does the name have all of what was typed, wherever, in any case and with or without accents? */
export function matches(name: string, wanted: string): boolean {
  const plain = (text: string) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLocaleLowerCase();
  return plain(wanted)
    .split(/\s+/u)
    .every((word) => plain(name).includes(word));
}

/** Me first, the rest as they came; in a large room by name. */
function useSorted(people: readonly Person[]): readonly Person[] {
  const language = useLanguage();
  const byName = useMemo(() => new Intl.Collator(language, { numeric: true }).compare, [language]);
  if (people.length < SEARCH_FROM) return people;
  return people.toSorted((a, b) => Number(b.isMe) - Number(a.isMe) || byName(a.name, b.name));
}

const BUTTON = '[data-testid=person-more]';

/** How long a key waits for the row that it goes to, in frames: two seconds, or more where frames are late. */
const PATIENCE_FRAMES = 120;

/** The arrow keys go from person to person. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  const target = event.target as HTMLElement;
  if (step === 0 || !target.matches(`${BUTTON}, [type=search]`)) return;
  event.preventDefault();
  go(event.currentTarget, target, step);
}

/** From `target` to the next row, which in a long list exists only once the list has scrolled this far; above the first one is the search. */
function go(people: HTMLElement, target: HTMLElement, step: 1 | -1, frames = PATIENCE_FRAMES): void {
  const buttons = [...people.querySelectorAll<HTMLElement>(BUTTON)];
  const next = buttons[buttons.indexOf(target) + step];
  // My own row is the first one and has no button.
  const place = Number(target.closest('[aria-posinset]')?.ariaPosInSet);
  if (next) next.focus();
  else if (step < 0 && !(place > 2)) people.querySelector<HTMLElement>('[type=search]')?.focus();
  else if (frames > 0)
    requestAnimationFrame(() => {
      if (document.activeElement === target) go(people, target, step, frames - 1);
    });
}

/** Everybody who is seen and heard. Of a long list only the rows in sight exist. */
export function PeopleList({ people }: { people: readonly Person[] }) {
  const t = useText();
  const [wanted, setWanted] = useState('');
  const [open, setOpen] = useState<string>();
  const list = useRef<HTMLUListElement>(null);
  const sorted = useSorted(people);
  const found = sorted.filter(({ name }) => matches(name || t('call.guest'), wanted));
  const { from, to, above, below } = useVisibleRows(list, found.length);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the buttons and the field in it.
    <div className="people" onKeyDown={walk}>
      {(people.length >= SEARCH_FROM || wanted !== '') && <Search wanted={wanted} onWanted={setWanted} />}
      <p className="visually-hidden" role="status">
        {wanted && t('people.found', { count: found.length })}
      </p>
      <ul ref={list} className="people-list" style={{ paddingBlock: `${above}px ${below}px` }}>
        {found.slice(from, to).map((person, index) => (
          <PersonRow
            key={person.id}
            person={person}
            place={{ at: from + index + 1, of: found.length }}
            open={open === person.id}
            onOpen={setOpen}
          />
        ))}
      </ul>
      {found.length === 0 && people.length > 0 && <p className="soft">{t('people.none')}</p>}
    </div>
  );
}

function Search({ wanted, onWanted }: { wanted: string; onWanted: (text: string) => void }) {
  const t = useText();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const down = (event: globalThis.KeyboardEvent) => {
      if (event.key !== '/' || !areKeysFree(event)) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener('keydown', down);
    return () => removeEventListener('keydown', down);
  }, []);
  return (
    <div className="field">
      <input
        ref={input}
        type="search"
        className="input"
        data-testid="people-search"
        aria-label={t('people.search')}
        placeholder={t('people.search')}
        value={wanted}
        onChange={(event) => onWanted(event.target.value)}
        autoComplete="off"
        dir="auto"
      />
    </div>
  );
}
