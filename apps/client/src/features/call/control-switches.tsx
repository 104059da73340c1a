'use client';
import { useStore } from '@tandem/react';
import { useText } from '../../i18n/index.ts';
import { localMedia } from '../../media/local-media.ts';
import { Control } from './control-button.tsx';

export function MicrophoneSwitch() {
  const t = useText();
  const on = useStore(localMedia, (s) => s.audio === 'live' && !s.muted);
  return (
    <Control
      icon={on ? 'mic' : 'mic-off'}
      label={on ? t('control.micOff') : t('control.micOn')}
      testId="toggle-mic"
      off={!on}
      onClick={() => void localMedia.setMuted(on)}
    />
  );
}

export function CameraSwitch() {
  const t = useText();
  const on = useStore(localMedia, (s) => s.video === 'live');
  return (
    <Control
      icon={on ? 'cam' : 'cam-off'}
      label={on ? t('control.camOff') : t('control.camOn')}
      testId="toggle-cam"
      off={!on}
      onClick={() => void localMedia.setCamera(!on)}
    />
  );
}
