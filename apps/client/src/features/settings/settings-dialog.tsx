'use client';
import { useCallback, useEffect, useState } from 'react';
import { LANGUAGES, type Language, setLanguage, useLanguage, useText } from '../../i18n/index.ts';
import { type Preferences, preferences, savePreferences } from '../../lib/preferences.ts';
import { useStore } from '../../lib/store.ts';
import { localMedia } from '../../media/local-media.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { Icon } from '../../ui/icons.tsx';
import { LevelBar } from '../../ui/level-bar.tsx';
import { Select } from '../../ui/select.tsx';
import { canChooseSpeaker, DeviceSelect } from './device-select.tsx';
import { playTestSound } from './test-sound.ts';

type Toggle = 'noiseSuppression' | 'voiceIsolation' | 'backgroundBlur' | 'mirror';

function Switch({ name, label, offered = true }: { name: Toggle; label: string; offered?: boolean }) {
  const t = useText();
  const on = useStore(preferences, (p) => p[name]);
  return (
    <label className="switch-row">
      <span>
        {label}
        {!offered && (
          <>
            <br />
            <span className="small soft">{t('settings.unsupported')}</span>
          </>
        )}
      </span>
      <input
        type="checkbox"
        role="switch"
        aria-checked={on && offered}
        checked={on && offered}
        disabled={!offered}
        onChange={(event) => {
          savePreferences({ [name]: event.target.checked });
          if (name !== 'mirror') void localMedia.applyEffects();
        }}
      />
    </label>
  );
}

/** Does the running camera really offer blurring? Browsers name the constraint even where the camera cannot. */
function useCameraBlur(): boolean {
  const track = useStore(localMedia, (s) => s.videoTrack);
  const [offered, setOffered] = useState(false);
  useEffect(() => {
    const capable = (track?.getCapabilities?.() as { backgroundBlur?: boolean[] } | undefined)?.backgroundBlur;
    setOffered(!!capable?.includes(true));
  }, [track]);
  return offered;
}

export function SettingsDialog({ onClose }: { onClose: () => void }) {
  const t = useText();
  const language = useLanguage();
  const theme = useStore(preferences, (p) => p.theme);
  const audioLive = useStore(localMedia, (s) => s.audio === 'live');
  const level = useCallback(() => localMedia.level(), []);
  const blur = useCameraBlur();
  return (
    <Dialog title={t('settings.title')} onClose={onClose}>
      <section>
        <h3>{t('settings.devices')}</h3>
        <DeviceSelect kind="audioinput" />
        {audioLive && <LevelBar read={level} />}
        <DeviceSelect kind="videoinput" />
        {canChooseSpeaker() && <DeviceSelect kind="audiooutput" />}
        <button type="button" className="button compact" onClick={() => void playTestSound()}>
          <Icon name="speaker" size={18} />
          {t('media.testSpeaker')}
        </button>
      </section>
      <section>
        <h3>{t('settings.sound')}</h3>
        <Switch name="noiseSuppression" label={t('settings.noise')} />
        <Switch name="voiceIsolation" label={t('settings.voice')} offered={localMedia.supports('voiceIsolation')} />
        <Switch name="backgroundBlur" label={t('settings.blur')} offered={blur} />
        <Switch name="mirror" label={t('settings.mirror')} />
      </section>
      <section>
        <h3>{t('settings.look')}</h3>
        <div className="field">
          <label htmlFor="language">{t('settings.language')}</label>
          <Select
            id="language"
            data-testid="language"
            value={language}
            onChange={(event) => {
              savePreferences({ language: event.target.value });
              void setLanguage(event.target.value as Language);
            }}
          >
            {Object.entries(LANGUAGES).map(([code, name]) => (
              <option key={code} value={code} lang={code}>
                {name}
              </option>
            ))}
          </Select>
        </div>
        <div className="field">
          <label htmlFor="theme">{t('settings.theme')}</label>
          <Select
            id="theme"
            value={theme}
            onChange={(event) => savePreferences({ theme: event.target.value as Preferences['theme'] })}
          >
            <option value="system">{t('settings.themeSystem')}</option>
            <option value="light">{t('settings.themeLight')}</option>
            <option value="dark">{t('settings.themeDark')}</option>
          </Select>
        </div>
      </section>
    </Dialog>
  );
}
