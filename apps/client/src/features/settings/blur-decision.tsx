'use client';
import { useText } from '../../i18n/index.ts';
import { localMedia } from '../../media/local-media.ts';

/** Blur was wanted and does not run: again, or without. */
export function BlurDecision() {
  const t = useText();
  return (
    <>
      <button type="button" className="button compact" onClick={() => void localMedia.setCamera(true)}>
        {t('app.retry')}
      </button>
      <button type="button" className="button compact" onClick={() => void localMedia.goWithoutBlur()}>
        {t('media.blurOff')}
      </button>
    </>
  );
}
