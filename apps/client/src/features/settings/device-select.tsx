'use client';
import { useStore } from '@tandem/react';
import { type ReactNode, useId } from 'react';
import { useText } from '../../i18n/index.ts';
import { preferences } from '../../lib/preferences.ts';
import { localMedia } from '../../media/local-media.ts';
import { Icon, type IconName } from '../../ui/icons.tsx';
import { Select } from '../../ui/select.tsx';

const LOOK = {
  audioinput: { icon: 'mic', label: 'media.microphone', preference: 'audioInput' },
  audiooutput: { icon: 'speaker', label: 'media.speaker', preference: 'audioOutput' },
  videoinput: { icon: 'cam', label: 'media.camera', preference: 'videoInput' },
} as const;

/** Can this browser send sound to a chosen output? (Safari before 18 and Firefox for Android cannot.) */
export const canChooseSpeaker = (): boolean =>
  typeof HTMLMediaElement !== 'undefined' && 'setSinkId' in HTMLMediaElement.prototype;

/** Picker for one kind of device, by its real name once the browser tells it. */
export function DeviceSelect({ kind, children }: { kind: MediaDeviceKind; children?: ReactNode }) {
  const t = useText();
  const id = useId();
  const asked = useStore(localMedia, (s) => s.asked);
  const devices = useStore(localMedia, (s) => s.devices);
  const look = LOOK[kind];
  const chosen = useStore(preferences, (p) => p[look.preference]);
  const track = useStore(localMedia, (s) => (kind === 'videoinput' ? s.camera : s.microphone));
  const list = devices.filter((device) => device.kind === kind && device.deviceId !== '');
  const running = kind === 'audiooutput' ? undefined : track?.getSettings().deviceId;
  const value = list.some((d) => d.deviceId === (running ?? chosen)) ? (running ?? chosen) : '';
  return (
    <div className={`device ${kind === 'audiooutput' ? 'speaker' : ''}`}>
      <label htmlFor={id}>
        <Icon name={look.icon as IconName} size={16} />
        {t(look.label)}
      </label>
      <Select
        id={id}
        data-testid={`device-${kind}`}
        value={value}
        disabled={list.length === 0}
        onChange={(event) => void localMedia.chooseDevice(kind, event.target.value)}
      >
        {value === '' && <option value="">{t(asked && list.length === 0 ? 'media.none' : 'media.default')}</option>}
        {list.map((device, index) => (
          <option key={device.deviceId} value={device.deviceId}>
            {device.label || t('media.unnamed', { number: index + 1 })}
          </option>
        ))}
      </Select>
      {children}
    </div>
  );
}
