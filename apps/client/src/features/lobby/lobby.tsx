'use client';
import { displayName, MAX_DISPLAY_NAME_LENGTH } from '@tandem/protocol/names';
import { type FormEvent, useCallback, useEffect, useId, useRef, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { preferences, savePreferences } from '../../lib/preferences.ts';
import { newRoomName, roomFrom } from '../../lib/room-name.ts';
import { basePath } from '../../lib/runtime-config.ts';
import { useStore } from '../../lib/store.ts';
import { localMedia } from '../../media/local-media.ts';
import { Icon } from '../../ui/icons.tsx';
import { LevelBar } from '../../ui/level-bar.tsx';
import { Shell } from '../../ui/shell.tsx';
import { InstallButton } from '../pwa/install-button.tsx';
import { canChooseSpeaker, DeviceSelect } from '../settings/device-select.tsx';
import { SettingsDialog } from '../settings/loaded-settings.tsx';
import { BlurHelp } from './blur-help.tsx';
import { PermissionHelp } from './permission-help.tsx';
import { Preview } from './preview.tsx';

export function Lobby({ room, invited, onRoom }: { room: string; invited: boolean; onRoom: (name: string) => void }) {
  const t = useText();
  const ids = useId();
  const nameRef = useRef<HTMLInputElement>(null);
  const name = useStore(preferences, (p) => p.name);
  const phase = useStore(call, (s) => s.phase);
  const readiness = useStore(call, (s) => s.readiness);
  const silent = useStore(localMedia, (s) => s.silent);
  const problem = useStore(localMedia, (s) => s.problem);
  const [needName, setNeedName] = useState(false);
  const [roomField, setRoomField] = useState<'given' | 'typing' | 'left'>('given');
  const [settings, setSettings] = useState(false);
  const [speaker, setSpeaker] = useState(false);
  const level = useCallback(() => localMedia.level(), []);
  const joining = phase === 'joining';
  const wanted = roomFrom(room);
  // While somebody types, half a name is no mistake; one that came by link is.
  const judged = roomField === 'left' || (roomField === 'given' && room !== '');
  const roomError = judged && 'refused' in wanted ? wanted : undefined;

  useEffect(() => {
    setSpeaker(canChooseSpeaker());
    void localMedia.prepare();
  }, []);

  function join(event: FormEvent) {
    event.preventDefault();
    setRoomField('left');
    const shown = displayName(name);
    setNeedName(!shown);
    if (!shown) nameRef.current?.focus();
    else if ('id' in wanted) void call.join(wanted.id, shown);
  }

  return (
    <Shell
      actions={
        <button
          type="button"
          className="icon-button"
          onClick={() => setSettings(true)}
          aria-label={t('settings.title')}
        >
          <Icon name="settings" />
        </button>
      }
    >
      <main id="main" className="lobby">
        <section className="lobby-preview" aria-label={t('settings.devices')}>
          <Preview />
          <div className="devices">
            <DeviceSelect kind="audioinput">
              <LevelBar read={level} />
            </DeviceSelect>
            <DeviceSelect kind="videoinput" />
            {speaker && <DeviceSelect kind="audiooutput" />}
          </div>
          <PermissionHelp />
          <BlurHelp />
          {silent && !problem && (
            <div className="note" role="status" data-testid="silent-warning">
              <Icon name="mic-off" />
              <p className="small">{t('media.silent')}</p>
            </div>
          )}
        </section>

        <section className="join-card">
          <hgroup>
            <h1>{t('lobby.title')}</h1>
            <p className={invited ? '' : 'soft'}>{invited ? t('lobby.invited', { room }) : t('lobby.subtitle')}</p>
          </hgroup>
          <form onSubmit={join} noValidate>
            <div className="field">
              <label htmlFor={`${ids}n`}>{t('lobby.name')}</label>
              <input
                ref={nameRef}
                id={`${ids}n`}
                className="input"
                data-testid="name-input"
                value={name}
                onChange={(event) => {
                  savePreferences({ name: event.target.value });
                  setNeedName(false);
                }}
                placeholder={t('lobby.namePlaceholder')}
                autoComplete="nickname"
                maxLength={MAX_DISPLAY_NAME_LENGTH}
                dir="auto"
                aria-invalid={needName}
                aria-describedby={needName ? `${ids}ne` : undefined}
              />
              {needName && (
                <p id={`${ids}ne`} className="field-error" role="alert">
                  {t('lobby.needName')}
                </p>
              )}
            </div>
            <div className="field">
              <label htmlFor={`${ids}r`}>{t('lobby.room')}</label>
              <div className="room-row" dir="ltr">
                <input
                  id={`${ids}r`}
                  className="input"
                  data-testid="room-input"
                  value={room}
                  onChange={(event) => {
                    onRoom(event.target.value);
                    setRoomField('typing');
                  }}
                  onBlur={() => {
                    setRoomField('left');
                    if ('id' in wanted) onRoom(wanted.id);
                  }}
                  autoComplete="off"
                  autoCapitalize="none"
                  spellCheck={false}
                  dir="auto"
                  aria-invalid={roomError !== undefined}
                  aria-describedby={`${ids}rh`}
                />
                <button
                  type="button"
                  className="icon-button"
                  onClick={() => onRoom(newRoomName())}
                  aria-label={t('lobby.newRoom')}
                  title={t('lobby.newRoom')}
                >
                  <Icon name="dice" size={20} />
                </button>
              </div>
              <p
                id={`${ids}rh`}
                className={roomError ? 'small room-error' : 'soft small'}
                role={roomError && 'alert'}
                data-testid="room-hint"
              >
                {!roomError
                  ? t('lobby.roomHint')
                  : roomError.refused === 'character'
                    ? t('lobby.roomCharacter', { character: roomError.character })
                    : t(roomError.refused === 'too_long' ? 'lobby.roomTooLong' : 'lobby.needRoom')}
              </p>
            </div>
            <div className="join-row">
              <button type="submit" className="button primary large" data-testid="join" disabled={joining}>
                {t(joining ? 'lobby.joining' : problem ? 'lobby.joinWithout' : 'lobby.join')}
              </button>
              <p className="readiness" role="status" data-testid="readiness" data-state={readiness}>
                <span
                  className={`status-dot ${readiness === 'ready' ? 'good' : readiness === 'failed' ? 'bad' : 'pulse'}`}
                />
                {readiness === 'ready'
                  ? t('lobby.ready')
                  : readiness === 'failed'
                    ? t('lobby.unreachable')
                    : t('lobby.preparing')}
              </p>
            </div>
          </form>
          <nav className="lobby-foot">
            <a className="link" href={`${basePath}/diagnostics/`}>
              {t('lobby.diagnostics')}
            </a>
            <InstallButton />
          </nav>
        </section>
      </main>
      {settings && <SettingsDialog onClose={() => setSettings(false)} />}
    </Shell>
  );
}
