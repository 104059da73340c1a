'use client';
import { displayName, MAX_DISPLAY_NAME_LENGTH } from '@tandem/protocol/names';
import { useStore } from '@tandem/react';
import { type FormEvent, type RefObject, useEffect, useId, useLayoutEffect, useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { preferences, savePreferences } from '../../lib/preferences.ts';
import { roomFrom } from '../../lib/room-name.ts';
import { localMedia } from '../../media/local-media.ts';
import { isWithout } from '../../media/media-state.ts';
import { ObstacleHelp } from './obstacle-help.tsx';
import { Readiness } from './readiness.tsx';
import { RoomChoice } from './room-choice.tsx';
import type { RoomWish } from './room-wish.ts';

/** Joining for this long, ms, gets a way out. */
const CANCEL_AFTER_MS = 3000;

/** Name, room and the way in. */
export function JoinForm({ room, onRoom }: { room: RoomWish; onRoom: (room: RoomWish) => void }) {
  const nameRef = useRef<HTMLInputElement>(null);
  const name = useStore(preferences, (p) => p.name);
  const [needName, setNeedName] = useState(false);
  const [asked, setAsked] = useState(false);
  // Before the page has its code the browser itself would send the form, and lose the room; what was typed by then is kept.
  const [live, setLive] = useState(false);
  useLayoutEffect(() => {
    const typed = nameRef.current?.value;
    if (typed) savePreferences({ name: typed });
    setLive(true);
  }, []);

  function join(event: FormEvent) {
    event.preventDefault();
    setAsked(true);
    const shown = displayName(name);
    setNeedName(!shown);
    const wanted = roomFrom(room.name);
    if (!shown) nameRef.current?.focus();
    else if ('id' in wanted) void call.join(wanted.id, shown, room.secret);
  }

  return (
    <form onSubmit={join} noValidate>
      <NameField ref={nameRef} name={name} missing={needName} onName={() => setNeedName(false)} />
      <RoomChoice
        room={room}
        asked={asked}
        onRoom={(wish) => {
          setAsked(false);
          onRoom(wish);
        }}
      />
      <div className="join-row">
        <JoinButton isNew={room.from === 'new'} live={live} />
        <StillTrying />
        <Readiness />
      </div>
      <ObstacleHelp />
    </form>
  );
}

interface NameFieldProps {
  readonly ref: RefObject<HTMLInputElement | null>;
  readonly name: string;
  readonly missing: boolean;
  readonly onName: () => void;
}

function NameField({ ref, name, missing, onName }: NameFieldProps) {
  const t = useText();
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{t('lobby.name')}</label>
      <input
        ref={ref}
        id={id}
        className="input"
        data-testid="name-input"
        value={name}
        onChange={(event) => {
          savePreferences({ name: event.target.value });
          onName();
        }}
        placeholder={t('lobby.namePlaceholder')}
        autoComplete="nickname"
        maxLength={MAX_DISPLAY_NAME_LENGTH}
        dir="auto"
        aria-invalid={missing}
        aria-describedby={missing ? `${id}e` : undefined}
      />
      {missing && (
        <p id={`${id}e`} className="field-error" role="alert">
          {t('lobby.needName')}
        </p>
      )}
    </div>
  );
}

function JoinButton({ isNew, live }: { isNew: boolean; live: boolean }) {
  const t = useText();
  const joining = useStore(call, (s) => s.phase === 'joining');
  const without = useStore(localMedia, isWithout);
  const label = joining ? 'lobby.joining' : without ? 'lobby.joinWithout' : isNew ? 'lobby.start' : 'lobby.join';
  return (
    <button type="submit" className="button primary large" data-testid="join" disabled={!live || joining}>
      {t(label)}
    </button>
  );
}

/** Joining takes a while: the way back, long before anything is known to be wrong. */
function StillTrying() {
  const t = useText();
  const joining = useStore(call, (s) => s.phase === 'joining');
  const obstacle = useStore(call, (s) => s.obstacle);
  const [long, setLong] = useState(false);
  useEffect(() => {
    if (!joining) return;
    const timer = setTimeout(() => setLong(true), CANCEL_AFTER_MS);
    return () => {
      clearTimeout(timer);
      setLong(false);
    };
  }, [joining]);
  // What stands in the way has the same button.
  if (!long || obstacle) return null;
  return (
    <p className="still-trying" role="status" data-testid="still-trying">
      {t('lobby.stillTrying')}
      <button type="button" className="button compact" data-testid="cancel-join" onClick={() => call.cancelJoin()}>
        {t('lobby.cancel')}
      </button>
    </p>
  );
}
