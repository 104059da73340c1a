'use client';
import '../../lib/load-rest.ts';
import '../../styles/ended.css';
import { useStore } from '@tandem/react';
import { useEffect, useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { sendRating } from '../../call/report.ts';
import type { EndKind } from '../../call/types.ts';
import { useHosted } from '../../embed/hosted.ts';
import { type MessageKey, useLanguage, useText } from '../../i18n/index.ts';
import { clock } from '../../lib/format.ts';
import { Shell } from '../../ui/shell.tsx';

/** `back`: the way into the same room, as it is called for who was in it, or never was. */
const WORDS: Record<EndKind, { title: MessageKey; text?: MessageKey; back?: MessageKey }> = {
  left: { title: 'end.left', back: 'end.rejoin' },
  kicked: { title: 'end.kicked', text: 'end.kickedText' },
  replaced: { title: 'end.replaced', text: 'end.replacedText', back: 'end.rejoin' },
  duplicate: { title: 'end.duplicate', text: 'end.duplicateText', back: 'end.rejoin' },
  crowded: { title: 'end.crowded', text: 'end.crowdedText', back: 'app.retry' },
  closed: { title: 'end.closed', text: 'end.closedText' },
  refused: { title: 'end.refused', text: 'end.refusedText', back: 'app.retry' },
  locked: { title: 'end.locked', text: 'end.lockedText', back: 'app.retry' },
  declined: { title: 'end.declined', text: 'end.declinedText', back: 'app.retry' },
  over: { title: 'end.over', text: 'end.overText' },
  unknown: { title: 'end.unknown', text: 'end.unknownText', back: 'app.retry' },
  link: { title: 'end.link', text: 'end.linkText' },
  encryption: { title: 'end.encryption', text: 'end.encryptionText' },
  unreachable: { title: 'end.unreachable', text: 'end.unreachableText', back: 'app.retry' },
  lost: { title: 'end.lost', text: 'end.lostText', back: 'end.rejoin' },
  failed: { title: 'end.failed', back: 'app.retry' },
};
/** A shorter call is too short to rate. */
const WORTH_A_QUESTION_MS = 5000;
const ISSUES = ['audio', 'video', 'drop', 'delay', 'echo', 'other'] as const;

/** After the call: what happened, the way back, and one question. */
export function EndedScreen({ onNew }: { onNew: () => void }) {
  const t = useText();
  const language = useLanguage();
  const end = useStore(call, (s) => s.end) ?? 'left';
  const detail = useStore(call, (s) => s.detail);
  const duration = useStore(call, (s) => s.duration);
  const heading = useRef<HTMLHeadingElement>(null);
  const hosted = useHosted();
  const words = WORDS[end];
  useEffect(() => heading.current?.focus(), []);
  return (
    <Shell>
      <main id="main" className="ended" data-testid="ended" data-end={end}>
        <div className="ended-words">
          <h1 ref={heading} tabIndex={-1}>
            {t(words.title)}
          </h1>
          {words.text ? <p className="soft">{t(words.text)}</p> : end === 'failed' && <p className="soft">{detail}</p>}
          {duration > 0 && <p className="soft">{t('end.duration', { duration: clock(duration, language) })}</p>}
        </div>
        <div className="ended-actions">
          {words.back && (
            <button type="button" className="button primary large" data-testid="rejoin" onClick={() => call.rejoin()}>
              {t(words.back)}
            </button>
          )}
          {!hosted && (
            <button
              type="button"
              className={`button large ${words.back ? '' : 'primary'}`}
              data-testid="new-call"
              onClick={onNew}
            >
              {t('end.new')}
            </button>
          )}
        </div>
        {duration > WORTH_A_QUESTION_MS && end !== 'kicked' && end !== 'replaced' && <Rating />}
      </main>
    </Shell>
  );
}

function Rating() {
  const t = useText();
  const [stars, setStars] = useState(0);
  const [sent, setSent] = useState(false);
  function send(rating: number, issues: readonly string[]) {
    setSent(true);
    sendRating(rating, issues);
  }
  if (sent)
    return (
      <p className="rating-thanks" role="status">
        {t('end.thanks')}
      </p>
    );
  return (
    <div className="rating">
      <fieldset>
        <legend>{t('end.rate')}</legend>
        <div className="rating-row">
          {([1, 2, 3, 4, 5] as const).map((value) => (
            <button
              key={value}
              type="button"
              className="rating-choice"
              data-testid={`rate-${value}`}
              aria-pressed={stars === value}
              onClick={() => {
                setStars(value);
                if (value >= 4) send(value, []);
              }}
            >
              <b>{value}</b>
              {t(`end.rate${value}`)}
            </button>
          ))}
        </div>
      </fieldset>
      {stars > 0 && <IssuesForm onSend={(issues) => send(stars, issues)} />}
    </div>
  );
}

/** What was wrong with a call that was rated low. */
function IssuesForm({ onSend }: { onSend: (issues: readonly string[]) => void }) {
  const t = useText();
  const [issues, setIssues] = useState<readonly string[]>([]);
  const toggle = (issue: string) =>
    setIssues(issues.includes(issue) ? issues.filter((i) => i !== issue) : [...issues, issue]);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSend(issues);
      }}
    >
      <fieldset>
        <legend>{t('end.what')}</legend>
        <div className="issue-row">
          {ISSUES.map((issue) => (
            <button
              key={issue}
              type="button"
              className="chip"
              aria-pressed={issues.includes(issue)}
              onClick={() => toggle(issue)}
            >
              {t(`end.issue.${issue}`)}
            </button>
          ))}
        </div>
        <button type="submit" className="button">
          {t('end.send')}
        </button>
      </fieldset>
    </form>
  );
}
