'use client';
import { useStore } from '@tandem/react';
import { useState } from 'react';
import { call } from '../../call/call-model.ts';
import { type FilmLayout, record } from '../../call/record.ts';
import { useText } from '../../i18n/index.ts';
import { Select } from '../../ui/select.tsx';
import { failureKey } from './record-words.ts';
import { RecordingList } from './recording-list.tsx';

/** That the call is recorded, in words, for as long as it is. */
export function RecordingSign() {
  const t = useText();
  const recording = useStore(call, (s) => s.recording !== undefined);
  if (!recording) return null;
  return (
    <span className="recording-sign" data-testid="recording-sign">
      <span className="recording-dot" aria-hidden="true" />
      {t('record.sign')}
    </span>
  );
}

/** Begins and ends the recording, for those whose token grants it. */
export function RecordingControl() {
  const t = useText();
  const recorder = useStore(call, (s) => s.recorder);
  const recording = useStore(call, (s) => s.recording !== undefined);
  const encrypted = useStore(call, (s) => s.secret !== undefined);
  const [layout, setLayout] = useState<FilmLayout>('grid');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  if (!recorder) return null;
  const run = async () => {
    setBusy(true);
    try {
      await record(recording ? 'stop' : 'start', layout);
      setFailure(undefined);
    } catch (error) {
      setFailure(error);
    }
    setBusy(false);
  };
  // Earlier calls of the room may have been recorded.
  if (encrypted)
    return (
      <section className="room-moderation">
        <p className="soft">{t('record.encrypted')}</p>
        <RecordingList />
      </section>
    );
  return (
    <section className="room-moderation">
      {!recording && (
        <Select
          data-testid="record-layout"
          aria-label={t('record.layout')}
          value={layout}
          disabled={busy}
          onChange={(event) => setLayout(event.target.value as FilmLayout)}
        >
          <option value="grid">{t('record.grid')}</option>
          <option value="speaker">{t('record.speaker')}</option>
        </Select>
      )}
      <button type="button" className="button compact" data-testid="record" disabled={busy} onClick={() => void run()}>
        {t(recording ? 'record.stop' : 'record.start')}
      </button>
      {failure !== undefined && <p role="alert">{t(failureKey(failure))}</p>}
      <RecordingList />
    </section>
  );
}
