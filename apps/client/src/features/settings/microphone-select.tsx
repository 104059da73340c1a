'use client';
import { LevelBar } from '@tandem/react';
import { useText } from '../../i18n/index.ts';
import { localMedia } from '../../media/local-media.ts';
import { DeviceSelect } from './device-select.tsx';

const level = () => localMedia.level();

/** Which microphone, and whether it hears me. */
export function MicrophoneSelect() {
  const t = useText();
  return (
    <DeviceSelect kind="audioinput">
      <LevelBar className="level" label={t('media.level')} read={level} />
    </DeviceSelect>
  );
}
