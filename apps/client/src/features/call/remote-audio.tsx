'use client';
import { PeerAudio, useStore } from '@tandem/react';
import { call } from '../../call/call-model.ts';
import { preferences } from '../../lib/preferences.ts';

const soundBlocked = () => call.set({ soundBlocked: true });

/** One audio element a person, apart from the tiles: layout never interrupts sound. */
export function RemoteAudio() {
  const peers = useStore(call, (s) => s.peers);
  const output = useStore(preferences, (p) => p.audioOutput);
  const blocked = useStore(call, (s) => s.soundBlocked);
  const volumes = useStore(call, (s) => s.volumes);
  const secret = useStore(call, (s) => s.secret);
  return peers.map((peer) => (
    <PeerAudio
      key={peer.id}
      stream={peer.stream}
      output={output}
      blocked={blocked}
      onBlocked={soundBlocked}
      volume={peer.encrypts && secret === undefined ? 0 : (volumes[peer.id] ?? 1)}
    />
  ));
}
