'use client';
import { useStore } from '@tandem/react';
import { useText } from '../../i18n/index.ts';
import { localMedia } from '../../media/local-media.ts';
import { MenuItem } from './control-button.tsx';

/** Front or back: on phones, which say which way a camera looks. */
export function FlipCamera({ onChoose }: { onChoose: (run: () => void) => () => void }) {
  const t = useText();
  const offered = useStore(
    localMedia,
    (s) =>
      s.facing !== undefined && s.video !== 'off' && s.devices.filter(({ kind }) => kind === 'videoinput').length > 1,
  );
  if (!offered) return null;
  return (
    <MenuItem
      icon="flip"
      label={t('control.camFlip')}
      testId="flip-camera"
      onClick={onChoose(() => void localMedia.flipCamera())}
    />
  );
}
