'use client';
import { useEffect, useRef } from 'react';

/** What {@link PeerAudio} plays, and how. */
export interface PeerAudioProps {
  /** `peer.stream`. */
  readonly stream: MediaStream;
  /** 0 (not heard) to 1. Default 1. */
  readonly volume?: number;
  /** Id of the device that plays it. Default: the system's choice; so it is when the device is gone. */
  readonly output?: string;
  /** Sound waits for a gesture: after `onBlocked` show a button that sets this to false again, and playing is tried anew. Default false. */
  readonly blocked?: boolean;
  /** The browser's autoplay policy wants a gesture first. */
  readonly onBlocked?: () => void;
}

/** The voice of one person. Keep it apart from the pictures, so that no layout interrupts it. */
export function PeerAudio({ stream, volume = 1, output = '', blocked = false, onBlocked }: PeerAudioProps) {
  const ref = useRef<HTMLAudioElement>(null);
  const tell = useRef(onBlocked);
  useEffect(() => {
    tell.current = onBlocked;
  }, [onBlocked]);
  useEffect(() => {
    const audio = ref.current;
    if (!audio) return;
    audio.srcObject = stream;
    return () => {
      audio.srcObject = null;
    };
  }, [stream]);
  useEffect(() => {
    if (blocked) return;
    ref.current?.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') tell.current?.();
    });
  }, [blocked]);
  useEffect(() => {
    if (!ref.current) return;
    ref.current.volume = volume;
    // iOS plays every element at the volume of its keys: there only silence can be had.
    ref.current.muted = volume === 0;
  }, [volume]);
  useEffect(() => {
    // The remembered output may be gone: stay on the default then.
    ref.current?.setSinkId?.(output).catch(() => {});
  }, [output]);
  // biome-ignore lint/a11y/useMediaCaption: live speech has no caption file.
  return <audio ref={ref} autoPlay />;
}
