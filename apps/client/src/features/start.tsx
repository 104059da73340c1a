'use client';
import { lazy, Suspense, useEffect, useState } from 'react';
import { call } from '../call/call-model.ts';
import { useText } from '../i18n/index.ts';
import { cleanRoomName, newRoomName } from '../lib/room-name.ts';
import { useStore } from '../lib/store.ts';
import { Lobby } from './lobby/lobby.tsx';

// Loaded while people look at themselves in the lobby, so joining waits for nothing.
const loadCall = () => import('./call/call-screen.tsx');
const loadEnded = () => import('./ended/ended-screen.tsx');
const CallScreen = lazy(async () => ({ default: (await loadCall()).CallScreen }));
const EndedScreen = lazy(async () => ({ default: (await loadEnded()).EndedScreen }));

/** The whole single page: lobby, call, afterwards. The room is in the query, so that static hosting needs no routes. */
export function Start() {
  const t = useText();
  const phase = useStore(call, (s) => s.phase);
  const [room, setRoom] = useState<{ name: string; invited: boolean }>({ name: '', invited: false });

  useEffect(() => {
    const read = () => {
      const given = cleanRoomName(new URLSearchParams(location.search).get('room') ?? '');
      setRoom({ name: given || newRoomName(), invited: given !== '' });
    };
    read();
    call.warm();
    void loadCall();
    void loadEnded();
    addEventListener('popstate', read);
    return () => removeEventListener('popstate', read);
  }, []);

  return (
    <Suspense fallback={<p className="plain-page pulse">{t('app.loading')}</p>}>
      {phase === 'lobby' || phase === 'joining' ? (
        <Lobby room={room.name} invited={room.invited} onRoom={(name) => setRoom({ name, invited: false })} />
      ) : phase === 'call' ? (
        <CallScreen />
      ) : (
        <EndedScreen
          onNew={() => {
            setRoom({ name: newRoomName(), invited: false });
            history.replaceState(null, '', location.pathname);
            call.toLobby();
          }}
        />
      )}
    </Suspense>
  );
}
