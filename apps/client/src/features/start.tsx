'use client';
import { useStore } from '@tandem/react';
import { useEffect, useState } from 'react';
import { call } from '../call/call-model.ts';
import { useHosted } from '../embed/hosted.ts';
import { useText } from '../i18n/index.ts';
import { newRoomName } from '../lib/room-name.ts';
import { whenIdle } from '../lib/when-idle.ts';
import { whenWanted } from '../lib/when-wanted.ts';
import { Broken, loadedPart, Part } from '../ui/part.tsx';
import { BrokenCall } from './call/broken-call.tsx';
import { RemoteAudio } from './call/remote-audio.tsx';
import { Lobby } from './lobby/lobby.tsx';
import { type RoomWish, wishOf } from './lobby/room-wish.ts';

// Loaded while people look at themselves in the lobby, so joining waits for nothing.
const loadCall = async () => (await import('./call/call-screen.tsx')).CallScreen;
const loadEnded = async () => (await import('./ended/ended-screen.tsx')).EndedScreen;

function Loading() {
  const t = useText();
  return (
    <main id="main" className="plain-page pulse">
      <h1>{t('app.loading')}</h1>
    </main>
  );
}

const CallScreen = loadedPart(loadCall, {
  waiting: <Loading />,
  fallback: (retry) => (
    <main id="main" className="plain-page">
      <BrokenCall retry={retry} whole />
    </main>
  ),
});
const EndedScreen = loadedPart<{ onNew: () => void }>(loadEnded, {
  waiting: <Loading />,
  fallback: (retry, { onNew }) => <BrokenEnd retry={retry} onNew={onNew} />,
});

function BrokenEnd({ retry, onNew }: { retry: () => void; onNew: () => void }) {
  const t = useText();
  const hosted = useHosted();
  return (
    <main id="main" className="plain-page" data-testid="ended">
      <Broken retry={retry} whole>
        {!hosted && (
          <button type="button" className="button compact" data-testid="new-call" onClick={onNew}>
            {t('end.new')}
          </button>
        )}
      </Broken>
    </main>
  );
}

/** The whole single page: lobby, call, afterwards. The room is in the query, so that static hosting needs no routes. */
export function Start() {
  const phase = useStore(call, (s) => s.phase);
  const [room, setRoom] = useState<RoomWish>({ from: 'new', name: '' });

  useEffect(() => {
    setRoom(wishOf(location.href));
    // Of another room, or with a key that was missing: a link that is pasted over the address loads nothing anew.
    const read = () => setRoom((before) => wishOf(location.href, before));
    // The page around a frame may have the token.
    const framed = parent !== window && new URLSearchParams(location.search).has('embed');
    void (framed ? import('../embed/host-page.ts').then((host) => host.connectHostPage(call)) : Promise.resolve())
      .catch(() => {})
      // A step of its own: what the page shows is alive before. Who joins earlier than that warms it up by joining.
      .then(() => setTimeout(() => call.warm()));
    // What does not arrive now is asked for again when it is shown. One after the other: a phone takes its time to read each.
    const stop = whenWanted(() => {
      void loadCall()
        .catch(() => {})
        .then(() => whenIdle(() => loadEnded().catch(() => {})));
    });
    addEventListener('popstate', read);
    return () => {
      stop();
      removeEventListener('popstate', read);
    };
  }, []);

  if (phase === 'lobby' || phase === 'joining') return <Lobby room={room} onRoom={setRoom} />;
  if (phase === 'call')
    return (
      <>
        {/* Apart from the screen, so that the sound goes on when the screen fails. */}
        <Part fallback={() => null}>
          <RemoteAudio />
        </Part>
        <CallScreen />
      </>
    );
  return (
    <EndedScreen
      onNew={() => {
        setRoom({ from: 'new', name: newRoomName() });
        history.replaceState(null, '', location.pathname);
        call.toLobby();
      }}
    />
  );
}
