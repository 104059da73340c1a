'use client';
import { useText } from '../../i18n/index.ts';
import { useStore } from '../../lib/store.ts';
import { localMedia } from '../../media/local-media.ts';
import { Icon } from '../../ui/icons.tsx';
import { BlurDecision } from '../settings/blur-decision.tsx';

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
        <BlurDecision />
      </div>
    </div>
  );
}
