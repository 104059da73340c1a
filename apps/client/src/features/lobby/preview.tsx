'use client';
import { TrackVideo, useStore } from '@tandem/react';
import { useText } from '../../i18n/index.ts';
import { preferences, savePreferences } from '../../lib/preferences.ts';
import { canBlur } from '../../media/effects/support.ts';
import { localMedia } from '../../media/local-media.ts';
import { useMirror } from '../../media/use-mirror.ts';
import { Icon, type IconName } from '../../ui/icons.tsx';
import { PermissionHelp } from './loaded-permission-help.tsx';

/** How the others will see you, with the switches that matter. */
export function Preview() {
  const asked = useStore(localMedia, (s) => s.asked);
  const track = useStore(localMedia, (s) => s.videoTrack);
  const mirror = useMirror();
  return (
    <div className="preview">
      {track ? (
        <TrackVideo track={track} className={mirror ? 'mirror' : ''} data-testid="local-video" aria-hidden="true" />
      ) : (
        <div className="preview-empty">
          <NoPicture asked={asked} />
        </div>
      )}
      <div className="preview-controls" hidden={!asked}>
        <Toggles />
      </div>
    </div>
  );
}

/** In place of the picture: why there is none, and what helps. */
function NoPicture({ asked }: { readonly asked: boolean | undefined }) {
  const t = useText();
  const video = useStore(localMedia, (s) => s.video);
  const blurring = useStore(localMedia, (s) => s.camera !== undefined);
  const blurFailed = useStore(localMedia, (s) => s.blurFailed);
  const problem = useStore(localMedia, (s) => s.problem);
  if (problem) return <PermissionHelp />;
  if (asked === undefined) return null;
  if (!asked)
    return (
      <>
        <button
          type="button"
          className="button on-picture"
          data-testid="allow-media"
          onClick={() => void localMedia.start()}
        >
          <Icon name="cam" />
          {t('lobby.allow')}
        </button>
        <p className="small">{t('lobby.allowText')}</p>
      </>
    );
  const starting = video === 'starting';
  return (
    <p role="status" className={starting ? 'pulse' : ''}>
      {starting
        ? t(blurring ? 'lobby.previewBlurring' : 'lobby.previewStarting')
        : t(video === 'off' || blurFailed ? 'lobby.previewOff' : 'lobby.previewNone')}
    </p>
  );
}

function Toggles() {
  const t = useText();
  const asked = useStore(localMedia, (s) => s.asked);
  const video = useStore(localMedia, (s) => s.video);
  const micOn = useStore(localMedia, (s) => s.audio === 'live' && !s.muted);
  const blurFailed = useStore(localMedia, (s) => s.blurFailed);
  const blur = useStore(preferences, (p) => p.backgroundBlur);
  const camOn = video === 'live';
  const toggle = (id: string, on: boolean, label: string, icon: [on: IconName, off: IconName], press: () => void) => (
    <button
      type="button"
      className="round-toggle"
      data-testid={id}
      data-on={on}
      aria-pressed={on}
      aria-label={label}
      title={label}
      onClick={press}
    >
      <Icon name={icon[on ? 0 : 1]} />
    </button>
  );
  return (
    <>
      {toggle('toggle-mic', micOn, t(micOn ? 'control.micOff' : 'control.micOn'), ['mic', 'mic-off'], () => {
        void localMedia.setMuted(micOn);
      })}
      {toggle('toggle-cam', camOn, t(camOn ? 'control.camOff' : 'control.camOn'), ['cam', 'cam-off'], () => {
        void localMedia.setCamera(!camOn);
      })}
      {asked && canBlur() && (video !== 'failed' || blurFailed) && (
        <button
          type="button"
          className="round-toggle effect"
          data-testid="toggle-blur"
          aria-pressed={blur}
          aria-label={t('settings.blur')}
          title={t('settings.blur')}
          onClick={() => {
            savePreferences({ backgroundBlur: !blur });
            void localMedia.changeBlur();
          }}
        >
          <Icon name="blur" />
        </button>
      )}
    </>
  );
}
