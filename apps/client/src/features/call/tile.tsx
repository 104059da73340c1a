'use client';
import { type CSSProperties, memo } from 'react';
import type { PeerView } from '../../call/types.ts';
import { useText } from '../../i18n/index.ts';
import { Icon } from '../../ui/icons.tsx';
import { TrackVideo } from '../../ui/stream-video.tsx';
import type { Rect } from './arrange.ts';
import { toggleFullScreen } from './full-screen.ts';

export interface TileProps {
  readonly id: string;
  readonly name: string;
  /** Whose initials stand in for a picture, when `name` says more than the name. */
  readonly who?: string;
  readonly rect: Rect;
  readonly track: MediaStreamTrack | undefined;
  readonly kind: 'peer' | 'me' | 'screen';
  readonly mirror?: boolean;
  readonly floating?: boolean;
  /** Show the whole picture instead of filling the tile. */
  readonly whole?: boolean;
  readonly audio?: boolean;
  readonly hand?: boolean;
  readonly speaking?: boolean;
  readonly pinned?: boolean;
  readonly state?: PeerView['state'];
  readonly away?: boolean;
  readonly weak?: boolean;
  readonly onPin?: (id: string) => void;
}

/** A steady colour for a name: the same person has the same colour everywhere. */
export function hueOf(text: string): number {
  let hash = 0;
  for (const char of text) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return hash % 6;
}

export function initials(name: string): string {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => [...(word ?? '')][0] ?? '');
  return letters.join('').toUpperCase() || '?';
}

export const Tile = memo(function Tile(props: TileProps) {
  const t = useText();
  const { id, name, rect, track, kind, state, away } = props;
  const status =
    kind !== 'peer'
      ? undefined
      : state === 'connecting'
        ? t('call.tileConnecting')
        : state === 'interrupted' || state === 'rebuilding'
          ? t('call.tileReconnecting')
          : state === 'closed'
            ? t('call.tileFailed')
            : away
              ? t('call.tileAway')
              : props.weak
                ? t('call.tileWeak')
                : undefined;
  const urgent = state !== 'connected' && kind === 'peer';
  const style: CSSProperties = {
    insetInlineStart: rect.x,
    insetBlockStart: rect.y,
    inlineSize: rect.w,
    blockSize: rect.h,
  };
  const small = rect.w < 220;
  return (
    <li
      className={`tile ${kind} hue-${hueOf(id)} ${props.floating ? 'floating' : ''} ${props.speaking ? 'speaking' : ''} ${small ? 'small-tile' : ''}`}
      style={style}
      aria-label={name}
      data-testid={kind === 'me' ? 'my-tile' : kind === 'screen' ? 'screen-tile' : 'peer-tile'}
      data-state={state}
    >
      {track ? (
        <TrackVideo
          track={track}
          className={`${props.mirror ? 'mirror' : ''} ${props.whole ? 'whole' : ''}`}
          data-testid={kind === 'me' ? 'local-video' : kind === 'peer' ? 'remote-video' : 'screen-video'}
          aria-label={t('call.tileLabel', { name })}
        />
      ) : (
        <span className="avatar" aria-hidden="true">
          {initials(props.who || name)}
        </span>
      )}
      {props.hand && (
        <span className="tile-corner hand">
          <Icon name="hand" size={18} />
          <span className="visually-hidden">{t('call.tileHand')}</span>
        </span>
      )}
      <div className="tile-foot">
        {status && (
          <p className="tile-label">
            <span className={`status-dot ${urgent ? 'pulse' : away ? '' : 'bad'}`} />
            <span className="tile-status">{status}</span>
          </p>
        )}
        <p className="tile-label">
          {kind !== 'screen' && !props.audio && (
            <>
              <Icon name="mic-off" size={16} />
              <span className="visually-hidden">{t('call.tileMuted')}</span>
            </>
          )}
          <bdi className="tile-name">{name}</bdi>
        </p>
      </div>
      {kind === 'screen' && props.onPin && document.fullscreenEnabled && (
        <button
          type="button"
          className="tile-corner pin full"
          data-testid="screen-full"
          aria-label={`${name}: ${t('control.fullscreen')}`}
          title={t('control.fullscreen')}
          onClick={(event) => toggleFullScreen(event.currentTarget.closest('li'))}
        >
          <Icon name="expand" size={18} />
        </button>
      )}
      {props.onPin && (
        <button
          type="button"
          className="tile-corner pin"
          aria-pressed={props.pinned}
          aria-label={props.pinned ? t('control.unpin', { name }) : t('control.pin', { name })}
          title={props.pinned ? t('control.unpin', { name }) : t('control.pin', { name })}
          onClick={() => props.onPin?.(id)}
        >
          <Icon name="pin" size={18} />
        </button>
      )}
    </li>
  );
});
