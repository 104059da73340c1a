'use client';
import { useEffect } from 'react';
import { call } from '../../call/call-model.ts';
import { localMedia } from '../../media/local-media.ts';

/** Single letters, only outside of fields; with Ctrl, Alt or Meta they stay the browser's. */
export const SHORTCUTS = [
  ['m', 'shortcut.mic'],
  ['space', 'shortcut.talk'],
  ['v', 'shortcut.cam'],
  ['s', 'shortcut.screen'],
  ['c', 'shortcut.chat'],
  ['p', 'shortcut.people'],
  ['h', 'shortcut.hand'],
  ['l', 'shortcut.layout'],
  ['?', 'shortcut.sheet'],
  ['q', 'shortcut.leave'],
] as const;

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export function useShortcuts(showSheet: () => void): void {
  useEffect(() => {
    let talking = false;
    const down = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey || typing(event.target)) return;
      if (document.querySelector('dialog[open]')) return;
      if (event.key === ' ') {
        // On a button, space presses the button.
        if (event.repeat || event.target instanceof HTMLButtonElement || !localMedia.get().muted) return;
        event.preventDefault();
        talking = true;
        void localMedia.setMuted(false);
        return;
      }
      if (event.repeat) return;
      const { audio, video, muted } = localMedia.get();
      switch (event.key.toLowerCase()) {
        case 'm':
          return void localMedia.setMuted(audio === 'live' && !muted);
        case 'v':
          return void localMedia.setCamera(video !== 'live');
        case 's':
          return void call.toggleScreen();
        case 'c':
          // The letter must not land in the field that opens.
          event.preventDefault();
          return call.openPanel('chat');
        case 'p':
          return call.openPanel('people');
        case 'h':
          return call.toggleHand();
        case 'l':
          return call.nextLayout();
        case '?':
          return showSheet();
        case 'q':
          return call.leave();
      }
    };
    const hush = () => {
      if (!talking) return;
      talking = false;
      void localMedia.setMuted(true);
    };
    const up = (event: KeyboardEvent) => {
      if (event.key === ' ') hush();
    };
    addEventListener('keydown', down);
    addEventListener('keyup', up);
    // A window that loses the focus never hears of the key going up: the microphone must not stay open.
    addEventListener('blur', hush);
    return () => {
      removeEventListener('keydown', down);
      removeEventListener('keyup', up);
      removeEventListener('blur', hush);
      hush();
    };
  }, [showSheet]);
}
