'use client';
import { useStore } from '@tandem/react';
import { useId, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { Icon } from '../../ui/icons.tsx';
import { HandQueue } from './hand-queue.tsx';
import { RoomModeration } from './moderation.tsx';
import { type Person, PersonRow, useMe } from './person-row.tsx';
import { RecordingControl } from './recording.tsx';
import { WaitingPeople } from './waiting-people.tsx';

/** From this many people on, looking for one of them is work. */
const SEARCH_FROM = 8;

/** Does the name have all of what was typed, wherever, in any case and with or without accents? */
export function matches(name: string, wanted: string): boolean {
  const plain = (text: string) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLocaleLowerCase();
  return plain(wanted)
    .split(/\s+/u)
    .every((word) => plain(name).includes(word));
}

export function PeoplePanel({ onInvite }: { onInvite: () => void }) {
  const t = useText();
  const peers = useStore(call, (s) => s.peers);
  const [wanted, setWanted] = useState('');
  const me = useMe();
  const watching = useStore(call, (s) => s.watching);
  const seen = peers.filter(({ audience }) => !audience).map((peer) => ({ ...peer, isMe: false }));
  const rows: Person[] = watching ? seen : [me, ...seen];
  const watchers = peers.length - seen.length + (watching ? 1 : 0);
  const found = rows.filter(({ name }) => matches(name || t('call.guest'), wanted));
  return (
    <div className="panel-scroll">
      <Encrypted />
      <WaitingPeople />
      <HandQueue />
      {rows.length >= SEARCH_FROM && <Search wanted={wanted} onWanted={setWanted} />}
      <p className="visually-hidden" role="status">
        {wanted && t('people.found', { count: found.length })}
      </p>
      <ul className="people-list">
        {found.map((person) => (
          <PersonRow key={person.id} person={person} />
        ))}
      </ul>
      {watchers > 0 && (
        <p className="watchers" data-testid="watchers">
          <Icon name="eye" size={18} />
          {t('audience.count', { count: watchers })}
        </p>
      )}
      {found.length === 0 && rows.length > 0 && <p className="soft">{t('people.none')}</p>}
      <button type="button" className="button" onClick={onInvite}>
        <Icon name="person-add" size={20} />
        {t('call.invite')}
      </button>
      <RoomModeration />
      <RecordingControl />
    </div>
  );
}

/** That the call is encrypted, and the number to compare. */
function Encrypted() {
  const t = useText();
  const number = useStore(call, (s) => s.safetyNumber);
  const alone = useStore(call, (s) => s.peers.length === 0);
  if (!number) return null;
  return (
    <section className="encrypted-call" data-testid="encrypted-call">
      <p className="encrypted">
        <Icon name="lock" size={18} />
        {t('lobby.encrypted')}
      </p>
      {!alone && (
        <p className="small soft">
          {t('people.safety')}{' '}
          <output dir="ltr" data-testid="safety-number">
            {number}
          </output>
          <br />
          {t('people.safetyText')}
        </p>
      )}
    </section>
  );
}

function Search({ wanted, onWanted }: { wanted: string; onWanted: (text: string) => void }) {
  const t = useText();
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id} className="visually-hidden">
        {t('people.search')}
      </label>
      <input
        id={id}
        type="search"
        className="input"
        data-testid="people-search"
        placeholder={t('people.search')}
        value={wanted}
        onChange={(event) => onWanted(event.target.value)}
        autoComplete="off"
        dir="auto"
      />
    </div>
  );
}
