/** What the page around a call and the frame with the call send each other. The page of the deployment imports these types. */

/** Version of these messages. A frame answers a page of another version with nothing. */
export const VERSION = 1;

/** By `window.postMessage`, from the frame: it listens. Holds nothing secret, since the frame does not know yet who frames it. */
export interface Hello {
  readonly tandem: 'frame';
  readonly version: number;
}

/** The answer, with one end of a MessageChannel. Everything else goes through that. */
export interface Connect {
  readonly tandem: 'embed';
  readonly version: number;
  /** The page gives tokens: the frame asks for them by {@link TokenWanted} in place of a guest's. */
  readonly givesTokens: boolean;
  /** Shown to the others. */
  readonly name?: string;
}

/** What the page may ask of the frame. */
export interface Methods {
  join: undefined;
  leave: undefined;
  setAudio: boolean;
  setVideo: boolean;
}

/** One request of the page. */
export interface Request<M extends keyof Methods = keyof Methods> {
  readonly id: number;
  readonly method: M;
  readonly value: Methods[M];
}

/** Its answer; `error` is a code. */
export interface Answer {
  readonly id: number;
  readonly error?: string;
}

/** The frame needs a token. */
export interface TokenWanted {
  readonly tokenWanted: number;
}

/** The token, or nothing when there is none. */
export interface TokenGiven {
  readonly tokenGiven: number;
  readonly token?: string;
}

/** What happens in the call. */
export interface EmbedEvents {
  /** I am in the room. Again, with another room, when a backend has moved me: those of the room before are not there any more, without `peer-left`. */
  joined: { readonly roomId: string };
  /**
   * The call is over, or given up on the way to another room; always the last one after `joined`. `reason` is what the page of the deployment
   * shows: `left`, `kicked`, `closed`, `replaced`, `lost`, …; `removed` after {@link EmbeddedCall.remove}, `gone` when the frame died or loaded anew without a word.
   */
  left: { readonly reason: string };
  /** Another person is in the room. Those who were there before me come right after `joined`. */
  'peer-joined': { readonly peerId: string; readonly name: string };
  'peer-left': { readonly peerId: string };
  /** My microphone and camera: on or off. */
  media: { readonly audio: boolean; readonly video: boolean };
}

/** One event on its way. */
export interface EventMessage<E extends keyof EmbedEvents = keyof EmbedEvents> {
  readonly event: E;
  readonly data: EmbedEvents[E];
}
