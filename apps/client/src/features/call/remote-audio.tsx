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
  return peers.map((peer) => <Voice key={peer.id} stream={peer.stream} output={output} retry={!blocked} />);
}

function Voice({ stream, output, retry }: { stream: MediaStream; output: string; retry: boolean }) {
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
    // The remembered output may be gone: stay on the default then.
    ref.current?.setSinkId?.(output).catch(() => {});
  }, [output]);
  // biome-ignore lint/a11y/useMediaCaption: live speech has no caption file.
  return <audio ref={ref} autoPlay />;
}
