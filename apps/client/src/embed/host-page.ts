/** The page that frames this one: it may say when to join, give tokens, and hear what happens. Loaded in a frame only. */
import { displayName } from '@tandem/protocol/names';
import type { Answer, Connect, EmbedEvents, Hello, TokenWanted } from '../../../../packages/embed/src/messages.ts';
import type { CallModel } from '../call/call-model.ts';
import { ApiError, takeTokensFrom } from '../lib/auth-api.ts';
import { savePreferences } from '../lib/preferences.ts';
import { loadRuntimeConfig } from '../lib/runtime-config.ts';
import { localMedia } from '../media/local-media.ts';
import { HostMethods } from './host-methods.ts';
import { host } from './hosted.ts';
import { tellEvents } from './tell-events.ts';

const VERSION = 1;
/** A page that does not answer for this long, ms, only shows the frame. */
const ANSWER_MS = 10_000;
/** A token that takes longer, ms, is asked for again: as long as one of the service may take. */
const TOKEN_MS = 10_000;
/** Longest access token that is taken, characters; that of signaling is the same. */
const MAX_TOKEN = 8192;

/** Resolves when the framing page has answered, or will not: then the page begins. */
export async function connectHostPage(call: CallModel): Promise<void> {
  const { embedOrigins } = await loadRuntimeConfig();
  if (embedOrigins.length === 0) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      removeEventListener('message', onMessage);
      resolve();
    };
    const onMessage = ({ source, origin, data, ports: [port] }: MessageEvent<unknown>) => {
      if (source !== parent || !embedOrigins.includes(origin) || !port) return;
      const { tandem, version, givesTokens, name } = (data ?? {}) as Partial<Connect>;
      if (tandem !== 'embed' || version !== VERSION) return;
      if (typeof name === 'string' && displayName(name)) savePreferences({ name: displayName(name) });
      serve(port, call, givesTokens === true);
      done();
    };
    addEventListener('message', onMessage);
    // Later it is not heard: a guest of this page does not become somebody else in the middle of a call.
    setTimeout(done, ANSWER_MS);
    parent.postMessage({ tandem: 'frame', version: VERSION } satisfies Hello, '*');
  });
}

function serve(port: MessagePort, call: CallModel, givesTokens: boolean): void {
  const wanted = new Map<number, (token: unknown) => void>();
  let ids = 0;
  if (givesTokens)
    takeTokensFrom(async () => {
      const tokenWanted = ++ids;
      const token = await new Promise((resolve) => {
        wanted.set(tokenWanted, resolve);
        port.postMessage({ tokenWanted } satisfies TokenWanted);
        setTimeout(resolve, TOKEN_MS);
      });
      wanted.delete(tokenWanted);
      // As a service that is away for a moment: the session asks again.
      if (typeof token !== 'string' || token === '' || token.length > MAX_TOKEN)
        throw new ApiError('the page around the call gives no token', 503);
      return { token };
    });
  const methods = new HostMethods(call, localMedia);
  host.set({ connected: true });
  port.onmessage = ({ data }: MessageEvent<unknown>) => {
    const message = (data ?? {}) as Record<string, unknown>;
    if (typeof message.tokenGiven === 'number') {
      wanted.get(message.tokenGiven)?.(message.token);
    } else if (typeof message.id === 'number') {
      const { id, method, value } = message;
      void methods
        .carryOut(method, value)
        .catch(() => 'failed' as const)
        .then((error) => port.postMessage({ id, ...(error === undefined ? {} : { error }) } satisfies Answer));
    }
  };
  tellEvents(call, <E extends keyof EmbedEvents>(event: E, told: EmbedEvents[E]) =>
    port.postMessage({ event, data: told }),
  );
}
