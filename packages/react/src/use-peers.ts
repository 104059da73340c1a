'use client';
import type { Call } from '@tandem/rtc';
import { useEffect, useState } from 'react';
import { type PeerView, viewOf } from './peer-view.ts';

const CHANGES = ['peer-added', 'peer-changed', 'peer-removed', 'quality'] as const;

/** Everybody else in the call, in the order of arrival; a new list after every change. Empty without a call. */
export function usePeers(call: Call | undefined): readonly PeerView[] {
  const [peers, setPeers] = useState<readonly PeerView[]>([]);
  useEffect(() => {
    if (!call) return;
    const show = () => setPeers(call.peers.map((peer) => viewOf(peer)));
    show();
    const undo = CHANGES.map((event) => call.on(event, show));
    return () => {
      for (const off of undo) off();
      setPeers([]);
    };
  }, [call]);
  return peers;
}
