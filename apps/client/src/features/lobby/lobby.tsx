'use client';
import { useStore } from '@tandem/react';
import { useEffect, useState } from 'react';
import { call } from '../../call/call-model.ts';
import { elsewhere, useHosted } from '../../embed/hosted.ts';
import { useText } from '../../i18n/index.ts';
import { look } from '../../lib/look-store.ts';
import { idOf } from '../../lib/room-name.ts';
import { basePath } from '../../lib/runtime-config.ts';
import { localMedia } from '../../media/local-media.ts';
import { Icon } from '../../ui/icons.tsx';
import { Shell } from '../../ui/shell.tsx';
import { InstallButton } from '../pwa/install-button.tsx';
import { canChooseSpeaker, DeviceSelect } from '../settings/device-select.tsx';
import { SettingsDialog } from '../settings/loaded-settings.tsx';
import { JoinForm } from './join-form.tsx';
import { BlurHelp } from './loaded-blur-help.tsx';
import { Inside } from './loaded-inside.tsx';
import { PermissionHelp } from './loaded-permission-help.tsx';
import { Watching } from './loaded-watching.tsx';
import { MyDevices } from './my-devices.tsx';
import type { RoomWish } from './room-wish.ts';

interface LobbyProps {
  readonly room: RoomWish;
  readonly onRoom: (room: RoomWish) => void;
}

export function Lobby({ room, onRoom }: LobbyProps) {
  const t = useText();
  const [settings, setSettings] = useState(false);
  const watching = useStore(call, (s) => s.watching);
  const links = useStore(look, (s) => s.links);
  const hosted = useHosted();

  useEffect(() => {
    void localMedia.prepare();
  }, []);

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
        {watching ? <Watching /> : <Devices />}
        <section className="join-card">
          <hgroup>
            <Title room={room} />
            {!watching && <p className="soft">{t('lobby.subtitle')}</p>}
          </hgroup>
          {room.from !== 'new' && <Inside room={idOf(room.name)} typed={room.from === 'typed'} />}
          <JoinForm room={room} onRoom={onRoom} />
          <nav className="lobby-foot">
            {!hosted && (
              <a className="link" href={`${basePath}/diagnostics/`}>
                {t('lobby.diagnostics')}
              </a>
            )}
            <InstallButton />
            {links?.map(({ text, href }) => (
              <a key={text} className="link" href={href} dir="auto" {...elsewhere(hosted)}>
                {text}
              </a>
            ))}
          </nav>
        </section>
      </main>
      {settings && <SettingsDialog onClose={() => setSettings(false)} />}
    </Shell>
  );
}

/** What the button will do. */
function Title({ room }: { room: RoomWish }) {
  const t = useText();
  switch (room.from) {
    case 'new':
      return <h1>{t('lobby.titleNew')}</h1>;
    case 'typed':
      return <h1>{t('lobby.titleTyped')}</h1>;
    case 'link':
      return (
        <h1 className="room-title" data-testid="lobby-title">
          <RoomTitle room={room.name} />
        </h1>
      );
    default:
      return room.from satisfies never;
  }
}

/** The name is not broken at its hyphens, as long as it fits into a line. */
function RoomTitle({ room }: { room: string }) {
  const t = useText();
  const [before, after] = t('lobby.titleLink', { room: '\n' }).split('\n');
  return (
    <>
      {before}
      <bdi>{room}</bdi>
      {after}
    </>
  );
}

/** How I look and sound, with which devices, and what is wrong with them. */
function Devices() {
  const t = useText();
  const silent = useStore(localMedia, (s) => s.silent);
  const problem = useStore(localMedia, (s) => s.problem);
  const blurFailed = useStore(localMedia, (s) => s.blurFailed);
  const live = useStore(localMedia, (s) => s.videoTrack !== undefined);
  const [speaker, setSpeaker] = useState(false);
  useEffect(() => setSpeaker(canChooseSpeaker()), []);
  return (
    <section className="lobby-preview" aria-label={t('settings.devices')}>
      <MyDevices>{speaker && <DeviceSelect kind="audiooutput" />}</MyDevices>
      {live && problem && <PermissionHelp />}
      {blurFailed && <BlurHelp />}
      {silent && !problem && (
        <div className="note" role="status" data-testid="silent-warning">
          <Icon name="mic-off" />
          <p className="small">{t('media.silent')}</p>
        </div>
      )}
    </section>
  );
}
