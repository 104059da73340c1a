'use client';
import '../../lib/load-rest.ts';
import '../../styles/live.css';
import { useStore } from '@tandem/react';
import { type RefObject, useCallback, useEffect, useRef, useState } from 'react';
import { type MessageKey, useText } from '../../i18n/index.ts';
import { storedPreferences } from '../../lib/preferences.ts';
import { roomFrom } from '../../lib/room-name.ts';
import { LiveModel, type LiveState } from '../../live/live-model.ts';
import { Icon } from '../../ui/icons.tsx';
import { Shell } from '../../ui/shell.tsx';

const model = new LiveModel();

/** What stands in place of the picture: a line, and what happens next. */
const WORDS: Record<Exclude<LiveState, 'live'>, readonly [MessageKey, MessageKey?]> = {
  connecting: ['call.tileConnecting'],
  reconnecting: ['call.tileReconnecting'],
  'not-live': ['live.notYet', 'live.comes'],
  ended: ['live.ended', 'live.comes'],
  full: ['live.full', 'live.retries'],
  offline: ['app.offlineTitle', 'live.retries'],
  away: ['lobby.serviceAway'],
  encrypted: ['live.encrypted', 'live.retries'],
  refused: ['live.refused'],
};

type Room = { readonly id: string } | { readonly error: true } | undefined;

/** `/live/?room=…`: watch a room without being in it. No camera, no account, no place in the room. */
export function LivePage() {
  const t = useText();
  const [room, setRoom] = useState<Room>();

  useEffect(() => {
    const result = roomFrom(new URLSearchParams(location.search).get('room') ?? '');
    if (!('id' in result)) return setRoom({ error: true });
    setRoom({ id: result.id });
    model.start(result.id);
    return () => model.stop();
  }, []);

  return (
    <Shell>
      <main id="main" className="live">
        {room && 'error' in room ? (
          <div className="plain-page">
            <h1>{t('live.noRoom')}</h1>
            <p className="soft">{t('live.noRoomText')}</p>
          </div>
        ) : (
          <Player room={room?.id ?? ''} />
        )}
      </main>
    </Shell>
  );
}

function Player({ room }: { room: string }) {
  const t = useText();
  const frame = useRef<HTMLElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const [muted, setMuted] = useState(true);
  const state = useStore(model.view, (s) => s.state);
  const stream = useStore(model.view, (s) => s.stream);

  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.srcObject = stream ?? null;
    // Muted, it may; with sound after a lost connection some phones want a new press: then it goes on without.
    if (stream) element.play().catch(() => setMuted(true));
  }, [stream]);

  useHls(video, setMuted);

  const toggleSound = useCallback(() => setMuted((was) => !was), []);
  const toggleFull = useCallback(() => fullScreen(frame.current, video.current), []);
  useKeys(toggleSound, toggleFull);

  return (
    <>
      <header className="live-head">
        <h1>
          <bdi>{room}</bdi>
        </h1>
        <Facts />
      </header>
      <section
        ref={frame}
        className="live-frame"
        data-testid="live"
        data-state={state}
        aria-label={t('live.title', { room })}
      >
        <video
          ref={video}
          data-testid="live-video"
          autoPlay
          playsInline
          muted={muted}
          onPlaying={() => model.shown()}
          aria-hidden={state !== 'live'}
        />
        <p className="visually-hidden" role="status">
          {t(state === 'live' ? 'live.on' : WORDS[state][0])}
        </p>
        {state !== 'live' && <Placard state={state} room={room} />}
        <Bar live={state === 'live'} muted={muted} onSound={toggleSound} onFull={toggleFull} />
      </section>
    </>
  );
}

/** In place of a stream of WebRTC the element plays HLS, whose code comes with the first need of it. */
function useHls(video: RefObject<HTMLVideoElement | null>, setMuted: (muted: boolean) => void): void {
  const hls = useStore(model.view, (s) => s.hls);
  useEffect(() => {
    if (!hls) return;
    let end: (() => void) | undefined;
    let isGone = false;
    const begin = async () => {
      const { canPlay, playHls } = await import('../../live/hls.ts');
      const element = video.current;
      if (isGone || !element) return;
      if (!canPlay()) return model.cannotPlay();
      end = playHls({ video: element, ...hls, late: (ms) => model.late(ms), over: () => model.over() });
      await element.play().catch(() => setMuted(true));
    };
    begin().catch(() => model.over());
    return () => {
      isGone = true;
      end?.();
    };
  }, [hls, video, setMuted]);
}

/** `m`: sound, `f`: full screen. They can be switched off (WCAG 2.1.4). */
function useKeys(onSound: () => void, onFull: () => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey || !storedPreferences().shortcuts) return;
      if (event.key === 'm') onSound();
      if (event.key === 'f') onFull();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [onSound, onFull]);
}

interface BarProps {
  readonly live: boolean;
  readonly muted: boolean;
  readonly onSound: () => void;
  readonly onFull: () => void;
}

function Bar({ live, muted, onSound, onFull }: BarProps) {
  const t = useText();
  return (
    <div className="live-bar">
      {live && (
        <span className="live-mark" aria-hidden="true">
          {t('live.on')}
        </span>
      )}
      <button type="button" className="live-button" data-testid="live-sound" onClick={onSound} disabled={!live}>
        <Icon name={muted ? 'speaker-off' : 'speaker'} size={20} />
        <span>{t(muted ? 'live.unmute' : 'live.mute')}</span>
      </button>
      <button
        type="button"
        className="live-button"
        data-testid="live-full"
        onClick={onFull}
        aria-label={t('control.fullscreen')}
      >
        <Icon name="expand" size={20} />
      </button>
    </div>
  );
}

/** How many watch, and how old the picture is. */
function Facts() {
  const t = useText();
  const viewers = useStore(model.view, (s) => s.viewers);
  const delayMs = useStore(model.view, (s) => s.delayMs);
  const isHls = useStore(model.view, (s) => s.hls !== undefined);
  return (
    <dl className="live-facts small soft">
      {viewers !== undefined && (
        <div>
          <dt className="visually-hidden">{t('live.viewers')}</dt>
          <dd data-testid="live-viewers">{t('audience.count', { count: viewers })}</dd>
        </div>
      )}
      {delayMs !== undefined && (
        <div>
          <dt className="visually-hidden">{t(isHls ? 'live.lateNote' : 'live.delayNote')}</dt>
          <dd data-testid="live-delay" title={t(isHls ? 'live.lateNote' : 'live.delayNote')}>
            {isHls
              ? t('live.late', { count: Math.max(1, Math.round(delayMs / 1000)) })
              : t('live.delay', { ms: Math.max(10, Math.round(delayMs / 10) * 10) })}
          </dd>
        </div>
      )}
    </dl>
  );
}

function Placard({ state, room }: { state: Exclude<LiveState, 'live'>; room: string }) {
  const t = useText();
  const [title, text] = WORDS[state];
  const isBusy = state === 'connecting' || state === 'reconnecting';
  return (
    <div className="live-placard">
      {isBusy && <span className="spinner" aria-hidden="true" />}
      <p className="live-words">{t(title)}</p>
      {text && <p className="small">{t(text)}</p>}
      {state === 'refused' && (
        <button type="button" className="live-button" onClick={() => model.start(room)}>
          {t('app.retry')}
        </button>
      )}
    </div>
  );
}

/** The frame with its buttons; on an iPhone, which gives that to videos only, the video. */
function fullScreen(frame: Element | null, video: HTMLVideoElement | null): void {
  const onPhone = video as { webkitEnterFullscreen?: () => void } | null;
  if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
  else if (document.fullscreenEnabled) frame?.requestFullscreen().catch(() => {});
  else onPhone?.webkitEnterFullscreen?.();
}
