'use client';
import { useStore } from '@tandem/react';
import { useEffect } from 'react';
import { call } from '../../call/call-model.ts';
import { useText } from '../../i18n/index.ts';
import { localMedia } from '../../media/local-media.ts';

/** The mark of icon.svg; in a tab it is 16 px, so that one sign is all it can carry. */
const RINGS =
  '<g transform="translate(64 64) scale(12)" fill="none" stroke-width="3.4"><path d="M13.04 23.22A7.5 7.5 0 1 1 17.94 18.83" stroke="%23eaf1ee"/><path d="M18.96 8.78A7.5 7.5 0 1 1 14.06 13.17" stroke="%23f5b95f"/></g>';
const SIGNS = {
  unread: '<circle cx="392" cy="120" r="120" fill="%23f5b95f" stroke="%230b635a" stroke-width="32"/>',
  muted: '<path d="M88 424 424 88" stroke="%23e5533d" stroke-width="72" stroke-linecap="round"/>',
};

function icon(sign: keyof typeof SIGNS): string {
  const shape = `<rect width="512" height="512" rx="116" fill="%230b635a"/>${RINGS}${SIGNS[sign]}`;
  return `data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512">${shape}</svg>`;
}

/** Who watches only has no microphone that could be off. */
function useMuted(): boolean {
  const watching = useStore(call, (s) => s.watching);
  const muted = useStore(localMedia, (s) => s.muted || s.audio !== 'live');
  return muted && !watching;
}

/**
 * The tab says what somebody in another tab wants to know: new chat lines, whether the microphone is off, how many are here. A part of its
 * own, and after the paint: a switch that is pressed is answered first.
 */
export function TabSign(): null {
  const t = useText();
  const room = useStore(call, (s) => s.room);
  const unread = useStore(call, (s) => s.unread);
  const count = useStore(call, (s) => s.peers.length + 1);
  const muted = useMuted();
  useEffect(() => {
    const parts = [
      unread > 0 && `(${unread})`,
      muted && t('call.tileMuted'),
      `${room} · ${t('call.people', { count })}`,
    ];
    // A timer, no frame: hidden tabs have none.
    const timer = setTimeout(() => {
      document.title = parts.filter(Boolean).join(' · ');
    });
    return () => clearTimeout(timer);
  }, [t, room, unread, count, muted]);
  useEffect(() => {
    const before = document.title;
    return () => {
      document.title = before;
    };
  }, []);
  const sign = unread > 0 ? 'unread' : muted ? 'muted' : undefined;
  useEffect(() => {
    if (!sign) return;
    const link = document.createElement('link');
    link.rel = 'icon';
    link.type = 'image/svg+xml';
    link.href = icon(sign);
    const timer = setTimeout(() => document.head.append(link));
    return () => {
      clearTimeout(timer);
      link.remove();
    };
  }, [sign]);
  return null;
}
