'use client';
import type { ReactNode } from 'react';
import { DeviceSelect } from '../settings/device-select.tsx';
import { MicrophoneSelect } from '../settings/microphone-select.tsx';
import { Preview } from './preview.tsx';

/** How I look and sound, and with which devices: in the lobby, and before I speak where I only watched. */
export function MyDevices({ children }: { children?: ReactNode }) {
  return (
    <>
      <Preview />
      <div className="devices">
        <MicrophoneSelect />
        <DeviceSelect kind="videoinput" />
        {children}
      </div>
    </>
  );
}
