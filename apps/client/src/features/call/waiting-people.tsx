'use client';
import { useStore } from '@tandem/react';
import { useEffect, useId, useRef } from 'react';
import { call } from '../../call/call-model.ts';
import { tellWaiting } from '../../call/news.ts';
import { useText } from '../../i18n/index.ts';
import { Icon } from '../../ui/icons.tsx';

const NONE: readonly Waiting[] = [];

export interface Waiting {
  readonly id: string;
  readonly name: string;
}

/** Who waits to be let in, the first first: moderators know. */
export function useWaiting(): readonly Waiting[] {
  const t = useText();
  const waiting = useStore(call, (s) => s.roomEntry?.waiting);
  return waiting?.map(({ peerId, metadata }) => ({ id: peerId, name: metadata?.name || t('call.guest') })) ?? NONE;
}

export const admit = (ids: readonly string[]) => void call.moderateEach(ids, (session, id) => session.admit(id));

/** A sound when somebody new waits: the banner that says so is not seen by who looks elsewhere. */
export function useWaitingSound(): void {
  const waiting = useStore(call, (s) => s.roomEntry?.waiting);
  const known = useRef<ReadonlySet<string>>(new Set());
  useEffect(() => {
    const ids = new Set(waiting?.map(({ peerId }) => peerId));
    if ([...ids].some((id) => !known.current.has(id))) tellWaiting();
    known.current = ids;
  }, [waiting]);
}

/** In the list of people: who waits, and what to do about each. */
export function WaitingPeople() {
  const t = useText();
  const waiting = useWaiting();
  if (waiting.length === 0) return null;
  return (
    <section className="hand-queue waiting-people" data-testid="waiting-people">
      <h3>
        <Icon name="person-add" size={18} />
        {t('host.waiting', { count: waiting.length })}
      </h3>
      <ul>
        {waiting.map((person) => (
          <Row key={person.id} person={person} />
        ))}
      </ul>
      {waiting.length > 1 && (
        <button
          type="button"
          className="button compact"
          data-testid="admit-all"
          onClick={() => admit(waiting.map(({ id }) => id))}
        >
          {t('host.admitAll')}
        </button>
      )}
    </section>
  );
}

function Row({ person: { id, name } }: { person: Waiting }) {
  const t = useText();
  const rowId = useId();
  return (
    <li>
      <bdi id={`${rowId}n`} className="person-name">
        {name}
      </bdi>
      <button
        type="button"
        id={`${rowId}r`}
        className="button compact"
        data-testid="refuse"
        aria-labelledby={`${rowId}r ${rowId}n`}
        onClick={() => void call.moderate((session) => session.refuse(id))}
      >
        {t('host.refuse')}
      </button>
      <button
        type="button"
        id={`${rowId}a`}
        className="button compact primary"
        data-testid="admit"
        aria-labelledby={`${rowId}a ${rowId}n`}
        onClick={() => admit([id])}
      >
        {t('host.admit')}
      </button>
    </li>
  );
}

const ENTRIES = { open: 'host.entryOpen', ask: 'host.entryAsk', locked: 'host.entryLocked' } as const;

/** Who may come in from now on. Who is in stays in. */
export function EntryChoice() {
  const t = useText();
  const entry = useStore(call, (s) => s.roomEntry?.entry ?? 'open');
  return (
    <fieldset className="menu-layout titled" data-testid="entry-choice">
      <legend>{t('host.entry')}</legend>
      {(Object.keys(ENTRIES) as (keyof typeof ENTRIES)[]).map((kind) => (
        <button
          key={kind}
          type="button"
          className="menu-choice"
          data-testid={`entry-${kind}`}
          aria-pressed={entry === kind}
          onClick={() => void call.moderate((session) => session.setEntry(kind))}
        >
          {t(ENTRIES[kind])}
        </button>
      ))}
    </fieldset>
  );
}
