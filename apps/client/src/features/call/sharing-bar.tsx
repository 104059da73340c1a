'use client';
import { useStore } from '@tandem/react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { Icon } from '../../ui/icons.tsx';
import { VolumeSlider } from './volume-slider.tsx';

/**
 * Can this browser share the sound of a tab or a window? Firefox and Safari ignore the wish without a word; the setting that only such
 * sound has is known to those that can.
 */
const canShareSound = (): boolean => {
  const known: object = navigator.mediaDevices?.getSupportedConstraints() ?? {};
  return 'suppressLocalAudioPlayback' in known;
};

/** What I share is said in words, not shown: a picture of the screen on that screen is a tunnel of mirrors. */
export function SharingBar() {
  const t = useText();
  const sharing = useStore(call, (s) => s.sharing !== undefined);
  const sound = useStore(call, (s) => s.sharedSound !== undefined);
  const volume = useStore(call, (s) => s.sharedVolume);
  if (!sharing) return null;
  return (
    <div className="banner sharing" role="status" data-testid="sharing-bar">
      <Icon name={sound ? 'speaker' : 'screen'} size={20} />
      <span>{t(sound ? 'call.sharingSound' : canShareSound() ? 'call.tileYourScreen' : 'call.sharingNoSound')}</span>
      {sound && (
        <VolumeSlider
          className="shared-volume"
          testId="shared-volume"
          label={t('call.sharedVolume')}
          volume={volume}
          onVolume={(next) => call.setSharedVolume(next)}
        />
      )}
      {sound && (
        <button
          type="button"
          className="button compact"
          data-testid="stop-shared-sound"
          onClick={() => call.stopSharedSound()}
        >
          {t('control.soundStop')}
        </button>
      )}
      <button
        type="button"
        className="button compact"
        data-testid="stop-sharing"
        onClick={() => void call.toggleScreen()}
      >
        {t('control.screenStop')}
      </button>
    </div>
  );
}
