'use client';
import { useStore } from '@tandem/react';
import { preferences, savePreferences } from '../../lib/preferences.ts';
import { localMedia } from '../../media/local-media.ts';
import { SwitchRow } from '../../ui/switch-row.tsx';

type Toggle =
  | 'noiseSuppression'
  | 'noiseFilter'
  | 'voiceIsolation'
  | 'backgroundBlur'
  | 'mirror'
  | 'captions'
  | 'captionMine'
  | 'captionSent'
  | 'shortcuts'
  | 'soundJoin'
  | 'soundHand'
  | 'soundChat';

/** One of the remembered choices, as a switch. */
export function Switch(props: {
  name: Toggle;
  label: string;
  /** Why it does nothing at the moment. */
  hint?: string | false | undefined;
  disabled?: boolean;
  onSwitch?: () => void;
}) {
  const { name, label, hint, disabled = false, onSwitch } = props;
  const on = useStore(preferences, (p) => p[name]) && !disabled;
  return (
    <SwitchRow
      label={
        <>
          {label}
          {hint && <span className="switch-hint small soft">{hint}</span>}
        </>
      }
      on={on}
      testId={`switch-${name}`}
      disabled={disabled}
      onSwitch={(next) => {
        savePreferences({ [name]: next });
        onSwitch?.();
      }}
    />
  );
}

export const changeSound = () => void localMedia.changeSound();
export const changeBlur = () => void localMedia.changeBlur();
