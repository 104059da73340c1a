/// <reference types="next" />
/// <reference types="react/canary" />

declare module '*.css';
declare module '@fontsource-variable/figtree';

/** Chromium's install prompt; not in the DOM library. */
interface BeforeInstallPromptEvent extends Event {
  prompt(): Promise<void>;
  readonly userChoice: Promise<{ outcome: 'accepted' | 'dismissed' }>;
}
