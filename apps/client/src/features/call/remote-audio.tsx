'use client';
import { useEffect, useRef } from 'react';
import { call } from '../../call/call-model.ts';
import { preferences } from '../../lib/preferences.ts';
import { useStore } from '../../lib/store.ts';

/** One audio element a person, apart from the tiles: layout never interrupts sound. */
export function RemoteAudio() {
  const peers = useStore(call, (s) => s.peers);
  const output = useStore(preferences, (p) => p.audioOutput);
  const blocked = useStore(call, (s) => s.soundBlocked);
  const volumes = useStore(call, (s) => s.volumes);
  const secret = useStore(call, (s) => s.secret);
  return peers.map((peer) => (
    <Voice
      key={peer.id}
      stream={peer.stream}
      output={output}
      retry={!blocked}
      volume={peer.encrypts && secret === undefined ? 0 : (volumes[peer.id] ?? 1)}
    />
  ));
}

interface VoiceProps {
  readonly stream: MediaStream;
  readonly output: string;
  readonly retry: boolean;
  /** 0 to 1 */
  readonly volume: number;
}

function Voice({ stream, output, retry, volume }: VoiceProps) {
  const ref = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const audio = ref.current;
    if (!audio) return;
    audio.srcObject = stream;
    return () => {
      audio.srcObject = null;
    };
  }, [stream]);
  useEffect(() => {
    if (!retry) return;
    ref.current?.play().catch((error: unknown) => {
      // The autoplay policy wants a gesture first: offer a button.
      if (error instanceof DOMException && error.name === 'NotAllowedError') call.set({ soundBlocked: true });
    });
  }, [retry]);
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
