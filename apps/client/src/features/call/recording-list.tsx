'use client';
import { useStore } from '@tandem/react';
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import {
  type KeptRecording,
  type KeptRecordings,
  keptRecordings,
  removeRecording,
  saveFilm,
  whoBegan,
} from '../../call/record.ts';
import { useLanguage, useText } from '../../i18n/index.ts';
import { clock, dayAndTime } from '../../lib/format.ts';
import { Confirmed } from './moderation.tsx';
import { failureKey } from './record-words.ts';

/** Between two looks while a film is being made, ms. */
const LOOK_MS = 10_000;
/** Listed at first, and at most: older ones are for the API. */
const [FEW, MOST] = [20, 100];

const WORDS = {
  starting: 'record.starting',
  recording: 'record.sign',
  processing: 'record.processing',
  failed: 'record.noFilm',
} as const;

/** The room's recordings: who began them, the film, and their end. For those whose token grants `record`. */
export function RecordingList() {
  const t = useText();
  const [isOpen, setOpen] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  return (
    <section className="recordings">
      <button
        ref={opener}
        type="button"
        className="button compact"
        data-testid="recordings"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {t('record.list')}
      </button>
      {isOpen && <Rows opener={opener} />}
    </section>
  );
}

/** The list, read anew when the recording of this call begins or ends, and while something is made. */
function useKept(limit: number) {
  const recording = useStore(call, (s) => s.recording);
  const [kept, setKept] = useState<KeptRecordings>();
  const [failure, setFailure] = useState<unknown>();
  const looks = useRef(0);
  const look = useCallback(async () => {
    looks.current += 1;
    const mine = looks.current;
    try {
      const found = await keptRecordings(limit);
      // What was asked for later may be there already.
      if (looks.current !== mine) return;
      setKept(found);
      setFailure(undefined);
    } catch (error) {
      if (looks.current === mine) setFailure(error);
    }
  }, [limit]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a recording that begins or ends is why it looks
  useEffect(() => void look(), [look, recording]);
  const changes =
    failure !== undefined || kept?.recordings.some(({ status }) => status === 'starting' || status === 'processing');
  // biome-ignore lint/correctness/useExhaustiveDependencies: each answer begins the next wait
  useEffect(() => {
    if (!changes) return;
    const timer = setTimeout(() => void look(), LOOK_MS);
    return () => clearTimeout(timer);
  }, [look, changes, kept, failure]);
  return { kept, failure, look };
}

function Rows({ opener }: { opener: RefObject<HTMLButtonElement | null> }) {
  const t = useText();
  const [limit, setLimit] = useState<number>(FEW);
  const { kept, failure, look } = useKept(limit);
  const [refusal, setRefusal] = useState<unknown>();
  /** What had the focus goes with the next list. */
  const goes = useRef(false);
  const run = async (work: Promise<void>) => {
    setRefusal(undefined);
    await work.catch(setRefusal);
    await look();
  };
  const remove = (one: KeptRecording) => {
    goes.current = true;
    return run(removeRecording(one));
  };
  useLayoutEffect(() => {
    if (!kept || !goes.current || document.activeElement !== document.body) return;
    goes.current = false;
    opener.current?.focus();
  }, [kept, opener]);
  const said = refusal ?? failure;
  return (
    <>
      {!kept && said === undefined && (
        <p className="soft small" role="status">
          {t('app.loading')}
        </p>
      )}
      {kept?.recordings.length === 0 && <p className="soft small">{t('record.none')}</p>}
      {kept && kept.recordings.length > 0 && (
        <ul className="recording-rows">
          {kept.recordings.map((one) => (
            <Row key={one.recordingId} of={one} onSave={() => run(saveFilm(one))} onRemove={() => remove(one)} />
          ))}
        </ul>
      )}
      {kept?.nextCursor !== undefined && limit < MOST && (
        <button
          type="button"
          className="button compact"
          data-testid="older"
          onClick={() => {
            goes.current = true;
            setLimit(MOST);
          }}
        >
          {t('record.older')}
        </button>
      )}
      {said !== undefined && <p role="alert">{t(failureKey(said))}</p>}
    </>
  );
}

interface RowProps {
  readonly of: KeptRecording;
  readonly onSave: () => Promise<void>;
  readonly onRemove: () => Promise<void>;
}

function Row({ of, onSave, onRemove }: RowProps) {
  const t = useText();
  const language = useLanguage();
  const [busy, setBusy] = useState(false);
  const { status, durationSeconds = 0 } = of;
  const began = whoBegan(of);
  const when = dayAndTime(Date.parse(of.startedAt), language);
  const run = async (work: () => Promise<void>) => {
    setBusy(true);
    await work();
    setBusy(false);
  };
  const what = status === 'ready' ? clock(durationSeconds * 1000, language) : t(WORDS[status]);
  const who = began && (began.isMe ? t('record.byMe') : t('record.by', { name: began.name }));
  return (
    <li data-testid="recording-row" data-status={status}>
      <p>
        {when}
        <span className="soft">{['', who, what].filter((part) => part !== undefined).join(' · ')}</span>
      </p>
      {busy && (
        <p className="soft small" role="status">
          {t('app.loading')}
        </p>
      )}
      {status !== 'starting' && status !== 'recording' && (
        <div className="actions">
          {status === 'ready' && (
            <button
              type="button"
              className="button compact"
              data-testid="save-film"
              aria-label={`${t('record.save')}: ${when}`}
              aria-disabled={busy}
              // It may take minutes: not twice.
              onClick={() => !busy && void run(onSave)}
            >
              {t('record.save')}
            </button>
          )}
          <Confirmed
            label={t('record.remove')}
            about={when}
            sure={t('record.removeSure')}
            testId="remove-recording"
            onSure={() => void run(onRemove)}
          />
        </div>
      )}
    </li>
  );
}
