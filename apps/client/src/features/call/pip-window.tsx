'use client';
import '../../lib/load-rest.ts';
import '../../styles/pip.css';
import { TrackVideo, useStore } from '@tandem/react';
import { useEffect } from 'react';
import { createRoot } from 'react-dom/client';
import { call } from '../../call/call-model.ts';
import { type PipTile, pipShown, pipTiles } from '../../call/pip-people.ts';
import { useText } from '../../i18n/index.ts';
import { Icon } from '../../ui/icons.tsx';
import { Control } from './control-button.tsx';
import { CameraSwitch, MicrophoneSwitch } from './control-switches.tsx';
import { hueOf, initials } from './tile.tsx';

const SIZE = { width: 360, height: 400 } as const;

/** Opens the call in a window that stays in front; the second time closes it. @throws DOMException when the browser refuses */
export async function toggleCallWindow(): Promise<void> {
  const { documentPictureInPicture: opener } = window;
  if (!opener) return;
  if (opener.window) {
    opener.window.close();
    return;
  }
  const small = await opener.requestWindow(SIZE);
  const { document: page } = small;
  const { lang, dir, dataset } = document.documentElement;
  Object.assign(page.documentElement, { lang, dir });
  if (dataset.theme) page.documentElement.dataset.theme = dataset.theme;
  page.title = document.title;
  for (const style of document.querySelectorAll('link[rel=stylesheet], style')) page.head.append(style.cloneNode(true));
  const root = createRoot(page.body.appendChild(page.createElement('div')));
  root.render(<CallWindow onOver={() => small.close()} />);
  small.addEventListener('pagehide', () => root.unmount(), { once: true });
}

function CallWindow({ onOver }: { onOver: () => void }) {
  const t = useText();
  const inCall = useStore(call, (s) => s.phase === 'call');
  const room = useStore(call, (s) => s.room);
  const watching = useStore(call, (s) => s.watching);
  useEffect(() => {
    if (!inCall) onOver();
  }, [inCall, onOver]);
  if (!inCall) return null;
  return (
    <main className="pip" aria-label={t('call.label', { room })}>
      <h1 className="visually-hidden" dir="auto">
        {room}
      </h1>
      <Tiles />
      <div className="pip-controls" role="toolbar" aria-label={t('control.bar')}>
        {!watching && <MicrophoneSwitch />}
        {!watching && <CameraSwitch />}
        <Control
          icon="expand"
          label={t('control.pipBack')}
          testId="pip-back"
          onClick={() => {
            onOver();
            window.focus();
          }}
        />
        <Control icon="leave" danger label={t('control.leave')} testId="leave" onClick={() => call.leave()} />
      </div>
    </main>
  );
}

function Tiles() {
  const t = useText();
  const peers = useStore(call, (s) => s.peers);
  const speaker = useStore(call, (s) => s.speaker);
  const dark = useStore(call, (s) => s.incoming === 'off');
  const tiles = pipTiles(
    peers.filter(({ audience }) => !audience),
    speaker,
  );
  const cameras = tiles.flatMap(({ kind, id }) => (kind === 'peer' ? [id] : [])).join(' ');
  useEffect(() => {
    pipShown.set({ ids: cameras.split(' ') });
    return () => pipShown.set({ ids: [] });
  }, [cameras]);
  if (tiles.length === 0) return <p className="pip-alone soft">{t('call.emptyTitle')}</p>;
  return (
    <ul className={`pip-tiles of-${tiles.length}`} aria-label={t('call.peopleTitle')}>
      {tiles.map((tile) => (
        <Tile key={tile.id} tile={dark && tile.kind === 'peer' ? { ...tile, track: undefined } : tile} />
      ))}
    </ul>
  );
}

function Tile({ tile: { peer, kind, track } }: { tile: PipTile }) {
  const t = useText();
  const speaking = useStore(call, (s) => s.speaking.has(peer.id));
  const name = peer.name || t('call.guest');
  return (
    <li
      className={`pip-tile hue-${hueOf(peer.id)} ${speaking ? 'speaking' : ''}`}
      aria-label={name}
      data-testid="pip-tile"
    >
      {track ? (
        <TrackVideo track={track} className={kind === 'screen' ? 'whole' : ''} aria-hidden="true" />
      ) : (
        <span className="avatar" aria-hidden="true">
          {initials(name)}
        </span>
      )}
      <p className="tile-label">
        {!peer.audio && kind === 'peer' && (
          <>
            <Icon name="mic-off" size={16} />
            <span className="visually-hidden">{t('call.tileMuted')}</span>
          </>
        )}
        <bdi className="tile-name">{name}</bdi>
      </p>
    </li>
  );
}
