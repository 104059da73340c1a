'use client';
import { useStore } from '@tandem/react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { Icon } from '../../ui/icons.tsx';
import { HandQueue } from './hand-queue.tsx';
import { RoomModeration } from './moderation.tsx';
import { PeopleList, SEARCH_FROM } from './people-list.tsx';
import { type Person, useMe } from './person-row.tsx';
import { RecordingControl } from './recording.tsx';
import { WaitingPeople } from './waiting-people.tsx';

export function PeoplePanel({ onInvite }: { onInvite: () => void }) {
  const t = useText();
  const peers = useStore(call, (s) => s.peers);
  const me = useMe();
  const watching = useStore(call, (s) => s.watching);
  const seen = peers.filter(({ audience }) => !audience).map((peer) => ({ ...peer, isMe: false }));
  const rows: Person[] = watching ? seen : [me, ...seen];
  const watchers = peers.length - seen.length + (watching ? 1 : 0);
  // The buttons are not below a thousand rows.
  const large = rows.length >= SEARCH_FROM;
  return (
    <div className="panel-scroll">
      <Encrypted />
      <WaitingPeople />
      <HandQueue />
      {large ? <Moderation /> : null}
      <PeopleList people={rows} />
      {watchers > 0 && (
        <p className="watchers" data-testid="watchers">
          <Icon name="eye" size={18} />
          {t('audience.count', { count: watchers })}
        </p>
      )}
      <button type="button" className="button" onClick={onInvite}>
        <Icon name="person-add" size={20} />
        {t('call.invite')}
      </button>
      {large ? null : <Moderation />}
    </div>
  );
}

function Moderation() {
  return (
    <>
      <RoomModeration />
      <RecordingControl />
    </>
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
