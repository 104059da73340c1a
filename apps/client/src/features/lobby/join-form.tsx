'use client';
import { displayName, MAX_DISPLAY_NAME_LENGTH } from '@tandem/protocol/names';
import { type FormEvent, useId, useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { preferences, savePreferences } from '../../lib/preferences.ts';
import { roomFrom } from '../../lib/room-name.ts';
import { useStore } from '../../lib/store.ts';
import { localMedia } from '../../media/local-media.ts';
import { ObstacleHelp } from './obstacle-help.tsx';
import { RoomField } from './room-field.tsx';

/** Name, room and the way in. */
export function JoinForm({ room, onRoom }: { room: string; onRoom: (name: string) => void }) {
  const t = useText();
  const ids = useId();
  const nameRef = useRef<HTMLInputElement>(null);
  const name = useStore(preferences, (p) => p.name);
  const joining = useStore(call, (s) => s.phase === 'joining');
  const problem = useStore(localMedia, (s) => s.problem);
  const [needName, setNeedName] = useState(false);
  const [asked, setAsked] = useState(false);

  function join(event: FormEvent) {
    event.preventDefault();
    setAsked(true);
    const shown = displayName(name);
    setNeedName(!shown);
    const wanted = roomFrom(room);
    if (!shown) nameRef.current?.focus();
    else if ('id' in wanted) void call.join(wanted.id, shown);
  }

  return (
    <form onSubmit={join} noValidate>
      <div className="field">
        <label htmlFor={`${ids}n`}>{t('lobby.name')}</label>
        <input
          ref={nameRef}
          id={`${ids}n`}
          className="input"
          data-testid="name-input"
          value={name}
          onChange={(event) => {
            savePreferences({ name: event.target.value });
            setNeedName(false);
          }}
          placeholder={t('lobby.namePlaceholder')}
          autoComplete="nickname"
          maxLength={MAX_DISPLAY_NAME_LENGTH}
          dir="auto"
          aria-invalid={needName}
          aria-describedby={needName ? `${ids}ne` : undefined}
        />
        {needName && (
          <p id={`${ids}ne`} className="field-error" role="alert">
            {t('lobby.needName')}
          </p>
        )}
      </div>
      <RoomField
        room={room}
        asked={asked}
        onRoom={(value) => {
          setAsked(false);
          onRoom(value);
        }}
      />
      <div className="join-row">
        <button type="submit" className="button primary large" data-testid="join" disabled={joining}>
          {t(joining ? 'lobby.joining' : problem ? 'lobby.joinWithout' : 'lobby.join')}
        </button>
        <Readiness />
      </div>
      <ObstacleHelp />
    </form>
  );
}

function Readiness() {
  const t = useText();
  const readiness = useStore(call, (s) => s.readiness);
  const dot = readiness === 'ready' ? 'good' : readiness === 'failed' ? 'bad' : 'pulse';
  const words = { ready: 'lobby.ready', failed: 'lobby.unreachable', preparing: 'lobby.preparing' } as const;
  return (
    <p className="readiness" role="status" data-testid="readiness" data-state={readiness}>
      <span className={`status-dot ${dot}`} />
      {t(words[readiness])}
    </p>
  );
}
