'use client';
import { TrackVideo, useStore } from '@tandem/react';
import { useText } from '../../i18n/index.ts';
import { preferences, savePreferences } from '../../lib/preferences.ts';
import { canBlur } from '../../media/effects/support.ts';
import { localMedia } from '../../media/local-media.ts';
import { useMirror } from '../../media/use-mirror.ts';
import { Icon } from '../../ui/icons.tsx';
import { PermissionHelp } from './loaded-permission-help.tsx';

/** How the others will see you, with the switches that matter. */
export function Preview() {
  const t = useText();
  const asked = useStore(localMedia, (s) => s.asked);
  const audio = useStore(localMedia, (s) => s.audio);
  const video = useStore(localMedia, (s) => s.video);
  const muted = useStore(localMedia, (s) => s.muted);
  const track = useStore(localMedia, (s) => s.videoTrack);
  const blurring = useStore(localMedia, (s) => s.camera !== undefined);
  const blurFailed = useStore(localMedia, (s) => s.blurFailed);
  const blur = useStore(preferences, (p) => p.backgroundBlur);
  const problem = useStore(localMedia, (s) => s.problem);
  const mirror = useMirror();
  const micOn = audio === 'live' && !muted;
  const camOn = video === 'live';
  return (
    <div className="preview">
      {track ? (
        <TrackVideo track={track} className={mirror ? 'mirror' : ''} data-testid="local-video" aria-hidden="true" />
      ) : (
        <div className="preview-empty">
          {problem ? (
            <PermissionHelp />
          ) : asked === false ? (
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
          ) : asked ? (
            <p role="status" className={video === 'starting' ? 'pulse' : ''}>
              {video === 'starting'
                ? t(blurring ? 'lobby.previewBlurring' : 'lobby.previewStarting')
                : video === 'off' || blurFailed
                  ? t('lobby.previewOff')
                  : t('lobby.previewNone')}
            </p>
          ) : null}
        </div>
      )}
      <div className="preview-controls" hidden={!asked}>
        <button
          type="button"
          className="round-toggle"
          data-testid="toggle-mic"
          data-on={micOn}
          aria-pressed={micOn}
          aria-label={micOn ? t('control.micOff') : t('control.micOn')}
          title={micOn ? t('control.micOff') : t('control.micOn')}
          onClick={() => void localMedia.setMuted(micOn)}
        >
          <Icon name={micOn ? 'mic' : 'mic-off'} />
        </button>
        <button
          type="button"
          className="round-toggle"
          data-testid="toggle-cam"
          data-on={camOn}
          aria-pressed={camOn}
          aria-label={camOn ? t('control.camOff') : t('control.camOn')}
          title={camOn ? t('control.camOff') : t('control.camOn')}
          onClick={() => void localMedia.setCamera(!camOn)}
        >
          <Icon name={camOn ? 'cam' : 'cam-off'} />
        </button>
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
      </div>
    </div>
  );
}
