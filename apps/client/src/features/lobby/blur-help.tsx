'use client';
import { useText } from '../../i18n/index.ts';
import { useStore } from '../../lib/store.ts';
import { localMedia } from '../../media/local-media.ts';
import { Icon } from '../../ui/icons.tsx';

/** Blur was wanted and does not run: the camera waits for a decision. */
export function BlurHelp() {
  const t = useText();
  const failed = useStore(localMedia, (s) => s.blurFailed);
  if (!failed) return null;
  return (
    <div className="note" role="status" data-testid="blur-failed">
      <Icon name="cam-off" />
      <p className="small">{t('media.blurFailed')}</p>
      <div className="actions">
        <button type="button" className="button compact" onClick={() => void localMedia.setCamera(true)}>
          {t('app.retry')}
        </button>
        <button type="button" className="button compact" onClick={() => void localMedia.goWithoutBlur()}>
          {t('media.blurOff')}
        </button>
      </div>
    </div>
  );
}
