'use client';
import { useText } from '../../i18n/index.ts';
import { canBlur } from '../../media/effects/support.ts';
import { BackdropChoice } from '../settings/backdrop-choice.tsx';
import { canChooseSpeaker, DeviceSelect } from '../settings/device-select.tsx';
import { MicrophoneSelect } from '../settings/microphone-select.tsx';
import { changeBlur, changeSound, Switch } from '../settings/switch.tsx';

/** What somebody may want to change in the middle of a sentence. The rest is in the settings. */
export function MicrophoneChoices() {
  const t = useText();
  return (
    <div className="choices">
      <MicrophoneSelect />
      {canChooseSpeaker() && <DeviceSelect kind="audiooutput" />}
      <Switch name="noiseSuppression" label={t('settings.noise')} onSwitch={changeSound} />
    </div>
  );
}

export function CameraChoices() {
  const t = useText();
  const blur = canBlur();
  return (
    <div className="choices">
      <DeviceSelect kind="videoinput" />
      <Switch
        name="backgroundBlur"
        label={t('settings.blur')}
        hint={!blur && t('settings.unsupported')}
        disabled={!blur}
        onSwitch={changeBlur}
      />
      <BackdropChoice />
      <Switch name="mirror" label={t('settings.mirror')} />
    </div>
  );
}
