'use client';
import type { Call } from '@tandem/rtc';
import { useCallback, useEffect, useRef, useState } from 'react';
import { ScreenShare } from './screen-share.ts';

/** What {@link useScreenShare} knows and does. */
export interface MyScreen {
  /** What I share; undefined: nothing. */
  readonly track: MediaStreamTrack | undefined;
  /** Starts (the browser asks what to share: call it from a click) or stops. */
  readonly toggle: () => Promise<void>;
}

/** My screen in the call, without its sound. It stops with the component, or with the call. */
export function useScreenShare(call: Call | undefined): MyScreen {
  const [track, setTrack] = useState<MediaStreamTrack>();
  const share = useRef<ScreenShare>(undefined);
  useEffect(() => {
    if (!call) return;
    let current: Call | undefined = call;
    const mine = new ScreenShare({
      current: () => current,
      changed: (shared) => {
        setTrack(shared?.picture);
        if (shared?.sound) mine.stopSound();
      },
    });
    share.current = mine;
    const off = call.on('state', ({ state }) => state === 'ended' && mine.stop());
    return () => {
      current = undefined;
      off();
      mine.stop();
    };
  }, [call]);
  return { track, toggle: useCallback(async () => share.current?.toggle(), []) };
}
