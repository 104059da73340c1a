'use client';
import type { Call } from '@tandem/rtc';
import { useEffect, useState } from 'react';
import { Speakers, type Speaking, sameSet } from './speakers.ts';

const INTERVAL_MS = 150;
const SILENCE: Speaking = { speaking: new Set(), speaker: undefined };

/** Who speaks now, and who has the stage, by peer id; changes only when that changes. */
export function useSpeaking(call: Call | undefined): Speaking {
  const [now, setNow] = useState(SILENCE);
  useEffect(() => {
    if (!call) return;
    const speakers = new Speakers();
    const timer = setInterval(() => {
      const next = speakers.push(
        new Map(call.peers.map(({ peerId, metadata }) => [peerId, metadata.audio ? call.audioLevel(peerId) : 0])),
        performance.now(),
      );
      setNow((before) => (before.speaker === next.speaker && sameSet(before.speaking, next.speaking) ? before : next));
    }, INTERVAL_MS);
    return () => {
      clearInterval(timer);
      setNow(SILENCE);
    };
  }, [call]);
  return now;
}
