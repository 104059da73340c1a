'use client';
import '../../lib/load-rest.ts';
import { useText } from '../../i18n/index.ts';
import { Icon } from '../../ui/icons.tsx';
import { BlurDecision } from '../settings/blur-decision.tsx';

/** Blur was wanted and does not run: the camera waits for a decision. */
export function BlurHelp() {
  const t = useText();
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
