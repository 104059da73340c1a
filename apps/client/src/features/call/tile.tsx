'use client';
import type { PeerView } from '@tandem/react';
import { TrackVideo } from '@tandem/react';
import { type CSSProperties, type HTMLAttributes, type MouseEventHandler, memo, useState } from 'react';
import { isolate, type MessageKey, useLanguage, useText } from '../../i18n/index.ts';
import { Icon, type IconName } from '../../ui/icons.tsx';
import { toggleFullScreen } from './full-screen.ts';
import { nextCorner, useCornerDrag } from './self-view.ts';
import type { Rect } from './tile-layout.ts';
import { type ScreenZoom, useZoom } from './use-zoom.ts';

export interface TileProps {
  readonly id: string;
  readonly name: string;
  /** Said after the name, which alone is cut where there is no room. */
  readonly after?: string;
  /** Whose initials stand in for a picture, when `name` is none. */
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
  /** Was never connected yet. */
  readonly isNew?: boolean;
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

/** What to say of somebody's connection, if anything. */
function statusOf({ kind, state, isNew, away, weak }: TileProps): MessageKey | undefined {
  if (kind !== 'peer') return undefined;
  if (state === 'closed') return 'call.tileFailed';
  if (state !== 'connected') return isNew ? 'call.tileConnecting' : 'call.tileReconnecting';
  if (away) return 'call.tileAway';
  return weak ? 'call.tileWeak' : undefined;
}

/** A picture of mine that floats can be dragged to another corner. */
const FloatingTile = (props: TileProps) => <Frame {...props} handlers={useCornerDrag()} />;

/** A shared screen can be seen from near. */
function ScreenTile(props: TileProps) {
  const zoom = useZoom();
  return <Frame {...props} handlers={zoom.handlers} zoom={zoom} />;
}

export const Tile = memo(function Tile(props: TileProps) {
  if (props.kind === 'screen') return <ScreenTile {...props} />;
  return props.floating && props.kind === 'me' ? <FloatingTile {...props} /> : <Frame {...props} />;
});

interface FrameProps extends TileProps {
  readonly handlers?: HTMLAttributes<HTMLElement>;
  readonly zoom?: ScreenZoom;
}

function Frame({ handlers, ...props }: FrameProps) {
  const { id, name, rect, kind, state } = props;
  const language = useLanguage();
  const style: CSSProperties = {
    insetInlineStart: rect.x,
    insetBlockStart: rect.y,
    inlineSize: rect.w,
    blockSize: rect.h,
  };
  const marks = [
    `hue-${hueOf(id)}`,
    props.floating && 'floating',
    props.speaking && 'speaking',
    rect.w < 220 && 'small-tile',
    props.zoom?.isZoomed && 'zoomed',
  ];
  return (
    <li
      ref={props.zoom?.ref}
      className={['tile', kind, ...marks.filter(Boolean)].join(' ')}
      style={style}
      aria-label={props.after ? `${isolate(language, name)} ${props.after}` : name}
      data-testid={kind === 'me' ? 'my-tile' : kind === 'screen' ? 'screen-tile' : 'peer-tile'}
      data-state={state}
      {...handlers}
    >
      <Picture {...props} />
      <Hand {...props} />
      <Foot {...props} />
      <Buttons {...props} />
    </li>
  );
}

/** Initials until the first frame is there: a black tile looks broken. */
function Picture({ track, kind, name, who, mirror, whole, zoom }: FrameProps) {
  const t = useText();
  const [shown, setShown] = useState<MediaStreamTrack | undefined>();
  return (
    <>
      {(!track || shown !== track) && kind !== 'screen' && (
        <span className="avatar" aria-hidden="true">
          {initials(who || name)}
        </span>
      )}
      {track && (
        <TrackVideo
          track={track}
          className={`${mirror ? 'mirror' : ''} ${whole ? 'whole' : ''}`}
          data-testid={kind === 'me' ? 'local-video' : kind === 'peer' ? 'remote-video' : 'screen-video'}
          data-empty={shown !== track}
          {...(zoom ? { style: zoom.style } : {})}
          aria-label={t('call.tileLabel', { name })}
          onLoadedData={() => setShown(track)}
        />
      )}
    </>
  );
}

function Hand({ hand }: TileProps) {
  const t = useText();
  if (!hand) return null;
  return (
    <span className="tile-corner hand">
      <Icon name="hand" size={18} />
      <span className="visually-hidden">{t('call.tileHand')}</span>
    </span>
  );
}

function Foot(props: TileProps) {
  const t = useText();
  const status = statusOf(props);
  const urgent = props.state !== 'connected' && props.kind === 'peer';
  return (
    <div className="tile-foot">
      {status && (
        <p className="tile-label">
          <span className={`status-dot ${urgent ? 'pulse' : props.away ? '' : 'bad'}`} />
          <span className="tile-status">{t(status)}</span>
        </p>
      )}
      <p className="tile-label">
        {props.kind !== 'screen' && !props.audio && (
          <>
            <Icon name="mic-off" size={16} />
            <span className="visually-hidden">{t('call.tileMuted')}</span>
          </>
        )}
        {props.speaking && (
          <span className="speaking-bars" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
        )}
        {/* A name runs as it is written, and the words around it as the page does: there it is isolated. */}
        {props.kind === 'screen' ? (
          <span className="tile-name">{props.name}</span>
        ) : (
          <bdi className="tile-name">{props.name}</bdi>
        )}
        {props.after && <span className="tile-after">{props.after}</span>}
      </p>
    </div>
  );
}

function Buttons({ kind, id, name, pinned, floating, onPin, zoom }: FrameProps) {
  const t = useText();
  if (kind === 'me' && floating)
    return (
      <button
        type="button"
        className="tile-corner pin"
        data-testid="move-self"
        aria-label={t('control.selfMove')}
        title={t('control.selfMove')}
        onClick={nextCorner}
      >
        <Icon name="move" size={18} />
      </button>
    );
  const label = pinned ? t('control.unpin', { name }) : t('control.pin', { name });
  return (
    <>
      {zoom && <ZoomButtons name={name} zoom={zoom} />}
      {kind === 'screen' && document.fullscreenEnabled && (
        <CornerButton
          icon="expand"
          where="full"
          testId="screen-full"
          label={t('control.fullscreen')}
          of={name}
          onClick={(event) => toggleFullScreen(event.currentTarget.closest('li'))}
        />
      )}
      {onPin && (
        <button
          type="button"
          className="tile-corner pin"
          aria-pressed={pinned}
          aria-label={label}
          title={label}
          onClick={() => onPin(id)}
        >
          <Icon name="pin" size={18} />
        </button>
      )}
    </>
  );
}

interface CornerButtonProps {
  readonly icon: IconName;
  /** Class that says where in the row it is. */
  readonly where: string;
  readonly testId: string;
  readonly label: string;
  /** Whose tile it is, for screen readers. */
  readonly of: string;
  readonly onClick: MouseEventHandler<HTMLButtonElement>;
}

function CornerButton({ icon, where, testId, label, of, onClick }: CornerButtonProps) {
  return (
    <button
      type="button"
      className={`tile-corner pin ${where}`}
      data-testid={testId}
      aria-label={`${of}: ${label}`}
      title={label}
      onClick={onClick}
    >
      <Icon name={icon} size={18} />
    </button>
  );
}

function ZoomButtons({ name, zoom }: { name: string; zoom: ScreenZoom }) {
  const t = useText();
  return (
    <>
      {zoom.isZoomed && (
        <CornerButton
          icon="zoom-out"
          where="whole"
          testId="screen-whole"
          label={t('control.zoomWhole')}
          of={name}
          onClick={zoom.reset}
        />
      )}
      <CornerButton
        icon="zoom-in"
        where="nearer"
        testId="screen-zoom"
        label={t('control.zoomIn')}
        of={name}
        onClick={zoom.zoomIn}
      />
    </>
  );
}
