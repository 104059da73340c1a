'use client';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { useStore } from '../../lib/store.ts';
import { localMedia } from '../../media/local-media.ts';
import { Icon } from '../../ui/icons.tsx';
import { BlurDecision } from '../settings/blur-decision.tsx';
import { troubleWords } from './quality-words.ts';

/** What the call has to say about itself: over the stage, never in the way, one at a time in order of weight. */
export function Banner() {
  const t = useText();
  const network = useStore(call, (s) => s.network);
  const soundBlocked = useStore(call, (s) => s.soundBlocked);
  const talkingMuted = useStore(call, (s) => s.talkingMuted);
  const grade = useStore(call, (s) => s.grade);
  const trouble = useStore(call, (s) => s.trouble[0]);
  const problem = useStore(localMedia, (s) => s.problem);
  const blurFailed = useStore(localMedia, (s) => s.blurFailed);
  let content = null;
  if (network !== 'online')
    content = (
      <div className="banner warn" data-testid="network-banner">
        <span className="spinner" aria-hidden="true" />
        <span>{network === 'offline' ? t('call.offline') : t('call.reconnecting')}</span>
      </div>
    );
  else if (soundBlocked)
    content = (
      <div className="banner">
        <Icon name="speaker" size={20} />
        <span>{t('call.soundBlocked')}</span>
        <button type="button" className="button compact" onClick={() => call.set({ soundBlocked: false })}>
          {t('call.soundStart')}
        </button>
      </div>
    );
  else if (talkingMuted)
    content = (
      <div className="banner" data-testid="talking-muted">
        <Icon name="mic-off" size={20} />
        <span>{t('call.talkingMuted')}</span>
        <button type="button" className="button compact" onClick={() => void localMedia.setMuted(false)}>
          {t('call.unmute')}
        </button>
      </div>
    );
  else if (blurFailed)
    content = (
      <div className="banner" data-testid="blur-banner">
        <Icon name="cam-off" size={20} />
        <span>{t('media.blurFailed')}</span>
        <BlurDecision />
      </div>
    );
  else if (grade === 'poor') {
    const words = trouble ? troubleWords(trouble) : undefined;
    content = (
      <div className="banner warn" data-testid="quality-banner">
        <Icon name="signal" size={20} />
        <span>
          {t('quality.banner')} {words ? t(words.key, words.values) : ''}
        </span>
      </div>
    );
  } else if (problem && problem !== 'none')
    content = (
      <div className="banner" data-testid="device-banner">
        <Icon name="alert" size={20} />
        <span>{t(`permission.${problem}Title`)}</span>
        <button type="button" className="button compact" onClick={() => void localMedia.start()}>
          {t('permission.again')}
        </button>
      </div>
    );
  return <div role="status">{content}</div>;
}

/** Short lines that come and go. */
export function Notices() {
  const t = useText();
  const notices = useStore(call, (s) => s.notices);
  return (
    <div className="notices" role="log" aria-live="polite">
      {notices.map((notice) => (
        <p key={notice.id} className="notice">
          {t(notice.key, notice.values)}
        </p>
      ))}
    </div>
  );
}

/** Rise over the stage and are gone. */
export function Reactions() {
  const t = useText();
  const reactions = useStore(call, (s) => s.reactions);
  return (
    <div className="floating-reactions" role="log" aria-live="polite">
      {reactions.map((reaction) => (
        <div
          key={reaction.id}
          className={`floating-reaction reaction-${reaction.kind}`}
          data-testid="floating-reaction"
          style={{ insetInlineStart: `${8 + ((reaction.id * 37) % 60)}%` }}
        >
          <Icon name={reaction.kind === 'wave' ? 'hand' : reaction.kind} size={40} />
          <span className="visually-hidden">
            {t('reaction.from', {
              name: reaction.name || t('call.guest'),
              reaction: t(`reaction.${reaction.kind}`),
            })}
          </span>
          <bdi aria-hidden="true">{reaction.name}</bdi>
        </div>
      ))}
    </div>
  );
}
