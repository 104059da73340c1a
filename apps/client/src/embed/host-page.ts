/** The page that frames this one: it may say when to join, give tokens, and hear what happens. Loaded in a frame only. */
import { displayName } from '@tandem/protocol/names';
import type { EmbedErrorCode } from '../../../../packages/embed/src/embed-error.ts';
import type {
  Answer,
  Connect,
  EmbedEvents,
  Hello,
  Methods,
  TokenWanted,
} from '../../../../packages/embed/src/messages.ts';
import type { CallModel } from '../call/call-model.ts';
import { ApiError, takeTokensFrom } from '../lib/auth-api.ts';
import { preferences, savePreferences } from '../lib/preferences.ts';
import { idOf, secretOf } from '../lib/room-name.ts';
import { loadRuntimeConfig } from '../lib/runtime-config.ts';
import { localMedia } from '../media/local-media.ts';
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
  port.onmessage = ({ data }: MessageEvent<unknown>) => {
    const message = (data ?? {}) as Record<string, unknown>;
    if (typeof message.tokenGiven === 'number') {
      wanted.get(message.tokenGiven)?.(message.token);
    } else if (typeof message.id === 'number') {
      const { id, method, value } = message;
      void carryOut(call, method, value)
        .catch(() => 'failed' as const)
        .then((error) => port.postMessage({ id, ...(error === undefined ? {} : { error }) } satisfies Answer));
    }
  };
  tellEvents(call, <E extends keyof EmbedEvents>(event: E, told: EmbedEvents[E]) =>
    port.postMessage({ event, data: told }),
  );
}

/** @returns the code of what went wrong */
async function carryOut(call: CallModel, method: unknown, value: unknown): Promise<EmbedErrorCode | undefined> {
  switch (method as keyof Methods) {
    case 'join':
      return join(call);
    case 'leave':
      if (call.get().phase === 'joining') call.cancelJoin();
      else if (call.get().phase === 'call') call.leave();
      return undefined;
    case 'setAudio':
      if (typeof value !== 'boolean') return 'invalid';
      if (call.get().watching) return 'not_allowed';
      await localMedia.setMuted(!value);
      return undefined;
    case 'setVideo':
      if (typeof value !== 'boolean') return 'invalid';
      if (call.get().watching) return 'not_allowed';
      await localMedia.setCamera(value);
      return undefined;
    default:
      return 'invalid';
  }
}

async function join(call: CallModel): Promise<EmbedErrorCode | undefined> {
  const room = idOf(new URLSearchParams(location.search).get('room') ?? '');
  const name = displayName(preferences.get().name);
  if (!name) return 'no_name';
  if (room === undefined) return 'invalid';
  if (call.get().phase === 'ended') call.toLobby();
  await localMedia.prepare();
  void call.join(room, name, secretOf(location.href));
  return new Promise((resolve) => {
    const settle = () => {
      const { phase } = call.get();
      if (phase === 'joining') return;
      stop();
      resolve(phase === 'call' ? undefined : 'not_joined');
    };
    const stop = call.subscribe(settle);
    settle();
  });
}
