'use client';
import '../../lib/load-rest.ts';
import { LevelBar, useStore } from '@tandem/react';
import { useCallback, useEffect, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { type CaptionWay, captionWay } from '../../call/caption-way.ts';
import { LANGUAGES, type Language, setLanguage, useLanguage, useText } from '../../i18n/index.ts';
import { look } from '../../lib/look-store.ts';
import { type Preferences, preferences, savePreferences } from '../../lib/preferences.ts';
import { supports } from '../../media/constraints.ts';
import { canBlur, canFilterNoise } from '../../media/effects/support.ts';
import { localMedia } from '../../media/local-media.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { Icon } from '../../ui/icons.tsx';
import { Select } from '../../ui/select.tsx';
import { BackdropChoice } from './backdrop-choice.tsx';
import { canChooseSpeaker, DeviceSelect } from './device-select.tsx';
import { changeBlur, changeSound, Switch } from './switch.tsx';
import { playTestSound } from './test-sound.ts';

/** Sound and picture. What the browser cannot do is there, switched off, and says so. */
function Effects() {
  const t = useText();
  const reduce = useStore(preferences, (p) => p.noiseSuppression);
  const filterFailed = useStore(localMedia, (s) => s.filterFailed);
  const blurFailed = useStore(localMedia, (s) => s.blurFailed);
  const missing = (offered: boolean) => !offered && t('settings.unsupported');
  const filter = canFilterNoise();
  const voice = supports('voiceIsolation');
  const blur = canBlur();
  return (
    <section>
      <h3>{t('settings.sound')}</h3>
      <Switch name="noiseSuppression" label={t('settings.noise')} onSwitch={changeSound} />
      <Switch
        name="noiseFilter"
        label={t('settings.noiseFilter')}
        hint={missing(filter) || (filterFailed && t('media.filterFailed'))}
        disabled={!filter || !reduce}
        onSwitch={changeSound}
      />
      <Switch
        name="voiceIsolation"
        label={t('settings.voice')}
        hint={missing(voice)}
        disabled={!voice}
        onSwitch={changeSound}
      />
      <Switch
        name="backgroundBlur"
        label={t('settings.blur')}
        hint={missing(blur) || (blurFailed && t('media.blurFailed'))}
        disabled={!blur}
        onSwitch={changeBlur}
      />
      <BackdropChoice />
      <Switch name="mirror" label={t('settings.mirror')} />
    </section>
  );
}

function Devices() {
  const t = useText();
  const audioLive = useStore(localMedia, (s) => s.audio === 'live');
  const level = useCallback(() => localMedia.level(), []);
  return (
    <section>
      <h3>{t('settings.devices')}</h3>
      <DeviceSelect kind="audioinput" />
      {audioLive && <LevelBar className="level" label={t('media.level')} read={level} />}
      <DeviceSelect kind="videoinput" />
      {canChooseSpeaker() && <DeviceSelect kind="audiooutput" />}
      <button type="button" className="button compact" onClick={() => void playTestSound()}>
        <Icon name="speaker" size={18} />
        {t('media.testSpeaker')}
      </button>
    </section>
  );
}

/** Language and theme. */
function Look() {
  const t = useText();
  const language = useLanguage();
  const languages = useStore(look, (s) => s.languages);
  const offered = Object.entries(LANGUAGES).filter(([code]) => languages?.includes(code) ?? true);
  const theme = useStore(preferences, (p) => p.theme);
  return (
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
          {offered.map(([code, name]) => (
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
  );
}

/** One switch for what I say: each way is a consent of its own. */
function CaptionSwitches() {
  const t = useText();
  const secret = useStore(call, (s) => s.secret);
  const [way, setWay] = useState<CaptionWay | 'asked'>('asked');
  useEffect(() => {
    let shown = true;
    void captionWay(secret).then((found) => shown && setWay(found));
    return () => {
      shown = false;
    };
  }, [secret]);
  const byService = way === 'service' || way === 'encrypted';
  return (
    <section>
      <h3>{t('settings.captions')}</h3>
      <Switch name="captions" label={t('settings.captionsOn')} />
      <Switch
        name={byService ? 'captionSent' : 'captionMine'}
        label={t(byService ? 'settings.captionSent' : 'settings.captionMine')}
        hint={way === 'encrypted' ? t('captions.encrypted') : way === undefined && t('settings.unsupported')}
        disabled={way !== 'device' && way !== 'service'}
      />
    </section>
  );
}

export function SettingsDialog({ onClose }: { onClose: () => void }) {
  const t = useText();
  return (
    <Dialog title={t('settings.title')} onClose={onClose}>
      <Devices />
      <Effects />
      <section>
        <h3>{t('settings.sounds')}</h3>
        <Switch name="soundJoin" label={t('settings.soundJoin')} />
        <Switch name="soundHand" label={t('settings.soundHand')} />
        <Switch name="soundChat" label={t('settings.soundChat')} />
      </section>
      <CaptionSwitches />
      <section className="keys-only">
        <h3>{t('settings.keyboard')}</h3>
        <Switch name="shortcuts" label={t('shortcut.on')} />
      </section>
      <Look />
    </Dialog>
  );
}
