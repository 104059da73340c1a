'use client';
import { useStore } from '@tandem/react';
import { type Dispatch, type SetStateAction, useEffect, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { type KeptRecording, keptRecordings, removeRecording, saveFilm, whoBegan } from '../../call/record.ts';
import { useLanguage, useText } from '../../i18n/index.ts';
import { clock } from '../../lib/format.ts';
import { Confirmed } from './moderation.tsx';
import { failureKey } from './record-words.ts';

/** Between two looks while the list is open, ms: a film takes about as long as the call. */
const LOOK_MS = 10_000;

const WORDS = {
  starting: 'record.starting',
  recording: 'record.sign',
  processing: 'record.processing',
  failed: 'record.noFilm',
} as const;

/** The room's recordings: who began them, the film, and their end. For those whose token grants `record`. */
export function RecordingList() {
  const t = useText();
  const recording = useStore(call, (s) => s.recording);
  const [isOpen, setOpen] = useState(false);
  return (
    <section className="recordings">
      <button
        type="button"
        className="button compact"
        data-testid="recordings"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {t('record.list')}
      </button>
      {/* Read anew when the recording of this call begins or ends. */}
      {isOpen && <Rows key={recording} />}
    </section>
  );
}

interface Shown {
  readonly kept?: readonly KeptRecording[];
  readonly failure?: unknown;
}

async function look(show: Dispatch<SetStateAction<Shown>>): Promise<void> {
  try {
    const kept = await keptRecordings();
    show({ kept });
  } catch (failure) {
    show((before) => ({ ...before, failure }));
  }
}

function Rows() {
  const t = useText();
  const [{ kept, failure }, show] = useState<Shown>({});
  useEffect(() => {
    void look(show);
    const timer = setInterval(() => void look(show), LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  const run = (work: Promise<void>) =>
    void work.then(
      () => look(show),
      (failed: unknown) => show((before) => ({ ...before, failure: failed })),
    );
  return (
    <>
      {kept?.length === 0 && <p className="soft small">{t('record.none')}</p>}
      {kept && kept.length > 0 && (
        <ul className="recording-rows">
          {kept.map((one) => (
            <Row
              key={one.recordingId}
              of={one}
              onSave={() => run(saveFilm(one))}
              onRemove={() => run(removeRecording(one))}
            />
          ))}
        </ul>
      )}
      {failure !== undefined && <p role="alert">{t(failureKey(failure))}</p>}
    </>
  );
}

function Row({ of, onSave, onRemove }: { of: KeptRecording; onSave: () => void; onRemove: () => void }) {
  const t = useText();
  const language = useLanguage();
  const { status, durationSeconds = 0 } = of;
  const began = whoBegan(of);
  const when = new Date(of.startedAt).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' });
  const isOver = status === 'ready' || status === 'failed';
  return (
    <li data-testid="recording-row" data-status={status}>
      <p>
        {when}
        {began !== undefined && (
          <span className="soft"> · {t('record.by', { name: began === 'me' ? t('call.you') : began })}</span>
        )}
        <span className="soft">
          {' '}
          · {status === 'ready' ? clock(durationSeconds * 1000, language) : t(WORDS[status])}
        </span>
      </p>
      {isOver && (
        <div className="actions">
          {status === 'ready' && (
            <button
              type="button"
              className="button compact"
              data-testid="save-film"
              aria-label={`${t('record.save')}: ${when}`}
              onClick={onSave}
            >
              {t('record.save')}
            </button>
          )}
          <Confirmed
            label={t('record.remove')}
            about={when}
            sure={t('record.removeSure')}
            testId="remove-recording"
            onSure={onRemove}
          />
        </div>
      )}
    </li>
  );
}
