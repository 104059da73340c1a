'use client';
import { useStore } from '@tandem/react';
import { call } from '../../call/call-model.ts';
import type { Incoming } from '../../call/types.ts';
import { useText } from '../../i18n/index.ts';
import { localMedia } from '../../media/local-media.ts';
import { Icon } from '../../ui/icons.tsx';
import { troubleWords } from './quality-words.ts';

/** Whose connection is weak, and why, in words. */
export function useHealthWords(): { title: string; reasons: readonly string[] } {
  const t = useText();
  const { grade, fault, trouble } = useStore(call, (s) => s.health);
  const other = useStore(call, (s) => s.peers[0]?.name);
  const reasons = trouble.map((item) => {
    const { key, values } = troubleWords(item);
    return t(key, values);
  });
  const name = other || t('call.guest');
  if (grade !== 'poor' || fault === 'theirs')
    return { title: t(grade ? `quality.${grade}` : 'quality.unknown'), reasons };
  return { title: fault === 'between' ? t('quality.between', { name }) : t('quality.banner'), reasons };
}

/** The connection in words, whose it is, and what helps: the one place for all of that. */
export function ConnectionSummary() {
  const t = useText();
  const { grade, fault, weak } = useStore(call, (s) => s.health);
  const peers = useStore(call, (s) => s.peers);
  const { title, reasons } = useHealthWords();
  const others = peers.filter(({ id }) => fault === 'theirs' && weak.includes(id));
  return (
    <>
      <section className="stats-words">
        <h3>
          <span className={`status-dot ${grade === 'good' ? 'good' : grade === 'poor' ? 'bad' : ''}`} />
          {title}
        </h3>
        {peers.length === 0 ? (
          <p className="soft">{t('quality.waiting')}</p>
        ) : reasons.length === 0 ? (
          <p className="soft">{t('quality.explainGood')}</p>
        ) : (
          <ul>
            {reasons.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        )}
        {others.map((peer) => (
          <p key={peer.id} data-testid="weak-peer">
            {t('quality.theirs', { name: peer.name || t('call.guest') })}
          </p>
        ))}
      </section>
      <Encryption />
      <Remedies />
    </>
  );
}

const CHOICES: readonly {
  incoming: Incoming;
  label: 'quality.incomingAuto' | 'quality.incomingLow' | 'quality.incomingNone';
}[] = [
  { incoming: 'auto', label: 'quality.incomingAuto' },
  { incoming: 'low', label: 'quality.incomingLow' },
  { incoming: 'off', label: 'quality.incomingNone' },
];

/** Who can see and hear this call. Media between two browsers is encrypted always (RFC 8827 section 6.5); a media node is an end of it. */
function Encryption() {
  const t = useText();
  const peers = useStore(call, (s) => s.peers);
  const viaNode = peers.some(({ topology }) => topology === 'sfu');
  if (peers.length === 0) return null;
  return (
    <p className="encryption small" data-testid="encryption" data-kind={viaNode ? 'node' : 'ends'}>
      <Icon name="lock" size={18} />
      {t(viaNode ? 'quality.encryptedNode' : 'quality.encryptedEnds')}
    </p>
  );
}

function Remedies() {
  const t = useText();
  const incoming = useStore(call, (s) => s.incoming);
  const camera = useStore(localMedia, (s) => s.video === 'live');
  return (
    <section className="remedies">
      <fieldset className="menu-layout titled">
        <legend className="label">{t('quality.incoming')}</legend>
        {CHOICES.map((choice) => (
          <button
            key={choice.incoming}
            type="button"
            className="menu-choice"
            data-testid={`incoming-${choice.incoming}`}
            aria-pressed={incoming === choice.incoming}
            onClick={() => call.setIncoming(choice.incoming)}
          >
            {t(choice.label)}
          </button>
        ))}
      </fieldset>
      <button
        type="button"
        className="button compact"
        data-testid="audio-only"
        disabled={incoming === 'off' && !camera}
        onClick={() => call.audioOnly()}
      >
        <Icon name="speaker" size={18} />
        {t('quality.audioOnly')}
      </button>
    </section>
  );
}
