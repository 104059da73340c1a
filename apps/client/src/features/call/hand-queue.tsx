'use client';
import { useStore } from '@tandem/react';
import { useEffect, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { raisedHands } from '../../call/hands.ts';
import { useLanguage, useText } from '../../i18n/index.ts';
import { waited } from '../../lib/format.ts';
import { Icon } from '../../ui/icons.tsx';

const TICK_MS = 10_000;

/** Somebody who watches is asked whether they want to speak; by a no their hand goes down. */
function InviteToSpeak({ id }: { id: string }) {
  const t = useText();
  const [invited, setInvited] = useState(false);
  const invite = async () => {
    setInvited(true);
    if (!(await call.moderate((session) => session.grant(id, { publish: true })))) setInvited(false);
  };
  return (
    <button
      type="button"
      className="button compact"
      data-testid="invite-to-speak"
      disabled={invited}
      onClick={() => void invite()}
    >
      {t(invited ? 'host.invited' : 'host.invite')}
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
        {hands.map((hand) => (
          <li key={hand.id}>
            <bdi className="person-name">{hand.id === 'me' ? t('call.you') : hand.name || t('call.guest')}</bdi>
            {moderator && hand.audience && <InviteToSpeak key={hand.since} id={hand.id} />}
            {hand.since > 0 && <span className="soft small">{waited(Math.max(0, now - hand.since), language)}</span>}
          </li>
        ))}
      </ol>
    </section>
  );
}
