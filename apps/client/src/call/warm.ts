import { displayName } from '@tandem/protocol/names';
import type { IceServersAnswer, PrewarmedConnection, SignalingSession } from '@tandem/rtc';
import type { RuntimeConfig } from '../config.ts';
import { ApiError, requestIceServers } from '../lib/auth-api.ts';
import { GuestLogin } from '../lib/guest-login.ts';
import { preferences } from '../lib/preferences.ts';
import { loadRuntimeConfig, signalingSocketUrl } from '../lib/runtime-config.ts';
import { whenWanted } from '../lib/when-wanted.ts';

export type Sdk = typeof import('@tandem/rtc');
export type Following = typeof import('./following.ts').following;

/** Everything a call needs that does not depend on the room: got in the lobby, so that joining only has to join. */
export interface Warm {
  readonly sdk: Sdk;
  readonly following: Following;
  /** As known now: it may not have been to be had before. */
  readonly getConfig: () => Promise<RuntimeConfig>;
  readonly session: SignalingSession;
  /** The first connection of a page is slow to make, so the lobby makes one. From here on the call does. */
  readonly takePrewarmed: () => PrewarmedConnection;
  /** Fresh TURN credentials; the first answer is the one from the lobby if it is young. */
  readonly getIceServers: () => Promise<IceServersAnswer>;
  /** Token, socket and credentials are there. Rejects when one is not. */
  readonly ready: Promise<void>;
}

/** Credentials fetched longer ago than this are fetched again at join. They live for minutes at least. */
const YOUNG_MS = 60_000;

/** Of a token that was refused for good. */
const REFUSED = 'token_refused';

/** For who goes on without a token that did not come: not where it was refused, as nothing will come of its session. */
export function unlessRefused(error: { readonly code?: unknown }): void {
  if (error.code === REFUSED) throw error;
}

/** The token that was given or that `ask` gave, until it failed or a fresh one is wanted. */
function keptToken(
  sdk: Sdk,
  given: string | undefined,
  ask: () => Promise<{ readonly token: string }>,
): (refresh: boolean) => Promise<string> {
  let token = given === undefined ? undefined : Promise.resolve(given);
  return (refresh) => {
    if (refresh || !token) {
      token = ask().then(
        (answer) => answer.token,
        (error: unknown) => {
          token = undefined;
          // Refused for good; anything else (busy, away) is worth another try.
          if (error instanceof ApiError && (error.status === 401 || error.status === 403))
            throw Object.assign(new sdk.GiveUpError(error.message), { code: REFUSED });
          throw error;
        },
      );
    }
    return token;
  };
}

/** @param given a token to begin with. Default: one is asked for */
export async function warmUp(given?: string): Promise<Warm> {
  const [sdk, { following }, config] = await Promise.all([
    import('@tandem/rtc'),
    import('./following.ts'),
    loadRuntimeConfig(),
  ]);
  const preferred = preferences.get();
  const name = displayName(preferred.name);
  const guest = { userId: preferred.userId, ...(name ? { name } : {}) };
  const login = new GuestLogin(config, guest, () => session.traceparent);
  const getToken = keptToken(sdk, given, () => login.next());
  const session = new sdk.SignalingSession({
    url: signalingSocketUrl(config),
    getToken: ({ refresh }) => getToken(refresh),
    traceSampling: config.traceSampling,
  });
  const prewarmed = new sdk.PrewarmedConnection();
  // Its threads and codecs keep the page from painting for a moment. Joining does it where this has not.
  const stopWaiting = whenWanted(() => {
    if (session.state !== 'closed') prewarmed.prepare();
  });
  let first: { answer: Promise<IceServersAnswer>; at: number } | undefined;
  const fetchIce = async (): Promise<IceServersAnswer> =>
    requestIceServers(config, await getToken(false), session.traceparent);
  const warm = { answer: fetchIce(), at: performance.now() };
  warm.answer.catch(() => {});
  first = warm;
  return {
    sdk,
    following,
    getConfig: loadRuntimeConfig,
    session,
    takePrewarmed: () => {
      stopWaiting();
      return prewarmed;
    },
    getIceServers: async () => {
      const given = first;
      first = undefined;
      if (given && performance.now() - given.at < YOUNG_MS) {
        try {
          return await given.answer;
        } catch {
          // It failed in the lobby: try again now.
        }
      }
      return fetchIce();
    },
    ready: Promise.all([session.connect(), warm.answer]).then(() => {}),
  };
}

/** The socket keeps trying behind the scenes; after this long, ms, people in the lobby deserve to know. */
const SLOW_READINESS_MS = 8000;

/** @param tell `failed` may still become `ready`; `lost`: its code did not arrive, and nothing will come of it */
export function followReadiness(warm: Promise<Warm>, tell: (now: 'ready' | 'failed' | 'lost') => void): void {
  const slow = setTimeout(tell, SLOW_READINESS_MS, 'failed');
  const failed = () => tell('failed');
  void warm
    .then(
      ({ ready }) => ready.then(() => tell('ready'), failed),
      () => tell('lost'),
    )
    .finally(() => clearTimeout(slow));
}
