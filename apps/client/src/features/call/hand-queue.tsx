'use client';
import { useStore } from '@tandem/react';
import { useEffect, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { mayGiveBack } from '../../call/given-back.ts';
import { type RaisedHand, raisedHands } from '../../call/hands.ts';
import { useLanguage, useText } from '../../i18n/index.ts';
import { waited } from '../../lib/format.ts';
import { Icon } from '../../ui/icons.tsx';

const TICK_MS = 10_000;

/** Raised hands that I have invited: the list of people may be closed meanwhile. */
const invitedHands = new Set<string>();

/** Somebody who watches is asked whether they want to speak, which can be taken back; by a no their hand goes down. */
function InviteToSpeak({ hand, name }: { hand: RaisedHand; name: string }) {
  const t = useText();
  const key = `${hand.id} ${hand.since}`;
  const [invited, setInvited] = useState(invitedHands.has(key));
  const invite = async (publish: boolean) => {
    setInvited(publish);
    if (!(await call.moderate((session) => session.grant(hand.id, { publish })))) setInvited(!publish);
    else if (publish) invitedHands.add(key);
    else invitedHands.delete(key);
  };
  const label = t(invited ? 'host.uninvite' : 'host.invite');
  return (
    <button
      type="button"
      className="button compact"
      data-testid={invited ? 'withdraw-invite' : 'invite-to-speak'}
      aria-label={`${label}: ${name}`}
      onClick={() => void invite(!invited)}
    >
      {label}
    </button>
  );
}

/** Raised hands, oldest first, with how long each has been up. */
export function HandQueue() {
  const t = useText();
  const language = useLanguage();
  const peers = useStore(call, (s) => s.peers);
  const name = useStore(call, (s) => s.name);
  const handAt = useStore(call, (s) => s.hand && s.handAt);
  const moderator = useStore(call, (s) => s.moderator);
  const inviter = useStore(call, (s) => s.inviter);
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  const hands = raisedHands(peers, handAt === false ? undefined : { name, handAt });
  if (hands.length === 0) return null;
  return (
    <section className="hand-queue" data-testid="hand-queue">
      <h3>
        <Icon name="hand" size={18} />
        {t('hands.title', { count: hands.length })}
      </h3>
      <ol>
        {hands.map((hand) => {
          const shown = hand.id === 'me' ? t('call.you') : hand.name || t('call.guest');
          const mayInvite = hand.audience && moderator && (inviter || mayGiveBack(hand.id));
          return (
            <li key={hand.id}>
              <bdi className="person-name">{shown}</bdi>
              {mayInvite && <InviteToSpeak key={hand.since} hand={hand} name={shown} />}
              {hand.since > 0 && <span className="soft small">{waited(Math.max(0, now - hand.since), language)}</span>}
            </li>
          );
        })}
      </ol>
    </section>
  );
}
