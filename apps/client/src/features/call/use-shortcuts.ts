'use client';
import { useEffect } from 'react';
import { call } from '../../call/call-model.ts';
import { look } from '../../lib/look-store.ts';
import { preferences } from '../../lib/preferences.ts';
import { localMedia } from '../../media/local-media.ts';

/**
 * Single letters, only outside of fields; with Ctrl, Alt or Meta they stay the browser's. None of them ends the call: a letter meant for
 * another window must not. They can be switched off (WCAG 2.1.4).
 */
export const SHORTCUTS = [
  ['m', 'shortcut.mic'],
  ['space', 'shortcut.pushToTalk'],
  ['v', 'shortcut.cam'],
  ['s', 'shortcut.screen'],
  ['c', 'shortcut.chat'],
  ['p', 'shortcut.people'],
  ['/', 'people.search'],
  ['h', 'shortcut.hand'],
  ['l', 'shortcut.layout'],
  ['?', 'shortcut.sheet'],
] as const;

/** Where a letter is text, or the choice of a list. */
export const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** Does a single key mean something to the call now? */
export const areKeysFree = (event: KeyboardEvent): boolean =>
  preferences.get().shortcuts &&
  !(event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) &&
  !document.querySelector('dialog[open]');

function press(event: KeyboardEvent, showSheet: () => void): void {
  const { audio, video, muted } = localMedia.get();
  // Who watches only has nothing to switch.
  if (call.get().watching && /^[mvs]$/i.test(event.key)) return;
  const { off } = look.get();
  if (off?.includes('screen') && /^s$/i.test(event.key)) return;
  if (off?.includes('chat') && /^c$/i.test(event.key)) return;
  switch (event.key.toLowerCase()) {
    case 'm':
      void localMedia.setMuted(audio === 'live' && !muted);
      break;
    case 'v':
      void localMedia.setCamera(video !== 'live');
      break;
    case 's':
      void call.toggleScreen();
      break;
    case 'c':
      // The letter must not land in the field that opens.
      event.preventDefault();
      call.openPanel('chat');
      break;
    case 'p':
      call.openPanel('people');
      break;
    case 'h':
      call.toggleHand();
      break;
    case 'l':
      call.nextLayout();
      break;
    case '?':
      showSheet();
  }
}

export function useShortcuts(showSheet: () => void): void {
  useEffect(() => {
    let talking = false;
    const down = (event: KeyboardEvent) => {
      if (event.repeat || !areKeysFree(event)) return;
      if (event.key !== ' ') return press(event, showSheet);
      // On a button, space presses the button.
      if (event.target instanceof HTMLButtonElement || !localMedia.get().muted || call.get().watching) return;
      event.preventDefault();
      talking = true;
      void localMedia.setMuted(false, 'call');
    };
    const hush = () => {
      if (!talking) return;
      talking = false;
      void localMedia.setMuted(true, 'call');
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
