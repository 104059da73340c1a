import { localMedia } from '../media/local-media.ts';
import type { InCall } from './in-call.ts';

/** Shows the call of this page to tests and support, and ends it with the page. */
export function exposeCall(call: InCall & { goodbye(): void }): void {
  if (typeof window === 'undefined') return;
  // For tests and for support: the live call, with its connections.
  Object.defineProperty(window, '__tandem', {
    value: {
      model: call,
      media: localMedia,
      get call() {
        return call.sdkCall;
      },
      get session() {
        return call.sdkCall?.session;
      },
    },
  });
  window.addEventListener('pagehide', (event: PageTransitionEvent) => {
    // Kept in the back-forward cache: it may come back. Otherwise say goodbye at once instead of after the grace period.
    if (!event.persisted) call.goodbye();
  });
}
