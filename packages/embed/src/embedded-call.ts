import { EmbedError, type EmbedErrorCode } from './embed-error.ts';
import {
  type Answer,
  type Connect,
  type EmbedEvents,
  type EventMessage,
  type Hello,
  type Methods,
  type Request,
  type TokenGiven,
  type TokenWanted,
  VERSION,
} from './messages.ts';

/** What the frame may use. Browsers grant it to the deployment's origin only, and still ask the person. */
const ALLOW =
  'camera; microphone; display-capture; autoplay; fullscreen; clipboard-write; picture-in-picture; screen-wake-lock; speaker-selection';
const READY_MS = 30_000;

/** How to embed a call. */
export interface EmbedOptions {
  /** Address of the deployment's page: https, or http of this machine. */
  readonly url: string;
  /** The room. */
  readonly roomId: string;
  /** The room's secret, for calls that are encrypted end to end. It stays in the fragment of the frame's address, which browsers send to no server. */
  readonly secret?: string | undefined;
  /** The name that the others see. Default: the person types it. */
  readonly name?: string | undefined;
  /**
   * A token for this person from your backend; asked for again when it runs out, and a little later when it fails. Default: the deployment's
   * access for guests.
   */
  readonly getToken?: (() => Promise<string>) | undefined;
  /** What screen readers call the frame. Default `Call`. */
  readonly title?: string | undefined;
  /** How long the frame may take to answer, ms. Default 30,000. */
  readonly readyTimeout?: number | undefined;
}

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

/**
 * A frame with a call, put into `container`. It shows the lobby until the person, or {@link join}, goes in.
 * @throws EmbedError `invalid_url`
 */
export class EmbeddedCall {
  /** The frame; style it as you like. */
  readonly element: HTMLIFrameElement;
  readonly #origin: string;
  readonly #options: EmbedOptions;
  readonly #listeners = new Map<keyof EmbedEvents, Set<(data: never) => void>>();
  readonly #waiting = new Map<number, Waiting>();
  #ready!: Promise<void>;
  #settleReady!: Waiting;
  /** The frame did not answer in time. It still may. */
  #isOverdue = false;
  #port: MessagePort | undefined;
  #ids = 0;
  #inside = false;

  constructor(container: Element, options: EmbedOptions) {
    const url = readUrl(options.url);
    this.#origin = url.origin;
    this.#options = options;
    url.search = `?${new URLSearchParams({ room: options.roomId, embed: '1' })}`;
    url.hash = options.secret === undefined ? '' : `k=${encodeURIComponent(options.secret)}`;
    this.#expectFrame();
    addEventListener('message', this.#onHello);
    this.element = document.createElement('iframe');
    this.element.allow = ALLOW;
    this.element.title = options.title ?? 'Call';
    // The address of this page is its own business: it may name a patient.
    this.element.referrerPolicy = 'no-referrer';
    this.element.src = url.href;
    container.append(this.element);
  }

  /** Goes into the room, as the button in the lobby does. Resolves inside. @throws EmbedError `not_joined`, `no_name` or as every method */
  join(): Promise<void> {
    return this.#ask('join', undefined);
  }

  /** Ends the call for this person. @throws EmbedError `not_ready`, `removed`, `gone` */
  leave(): Promise<void> {
    return this.#ask('leave', undefined);
  }

  /** Microphone on or off. @throws as {@link leave}; `not_allowed` when the token lets this person only watch */
  setAudio(on: boolean): Promise<void> {
    return this.#ask('setAudio', on);
  }

  /** Camera on or off. @throws as {@link setAudio} */
  setVideo(on: boolean): Promise<void> {
    return this.#ask('setVideo', on);
  }

  /** @returns a function that takes the listener away */
  on<E extends keyof EmbedEvents>(event: E, listener: (data: EmbedEvents[E]) => void): () => void {
    const all = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, all.add(listener));
    return () => void all.delete(listener);
  }

  /** Takes the frame out of the page; the call ends with it. Safe to call again. */
  remove(): void {
    removeEventListener('message', this.#onHello);
    this.element.remove();
    this.#drop('removed');
    this.#settleReady.reject(new EmbedError('removed'));
  }

  /** From now on methods wait for the frame's first word. */
  #expectFrame(): void {
    this.#isOverdue = false;
    this.#ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject };
    });
    const { reject } = this.#settleReady;
    const words = `${this.#origin} did not answer. Is ${location.origin} in embedOrigins of its config.json?`;
    const timer = setTimeout(() => {
      this.#isOverdue = true;
      reject(new EmbedError('not_ready', words));
    }, this.#options.readyTimeout ?? READY_MS);
    const settled = () => clearTimeout(timer);
    // Who calls a method learns of a failure there.
    this.#ready.then(settled, settled);
  }

  /** Only this frame, while it shows the deployment's own origin, gets the other end of the channel. */
  #onHello = (message: MessageEvent<unknown>): void => {
    if (message.source !== this.element.contentWindow || message.origin !== this.#origin) return;
    const { tandem, version } = (message.data ?? {}) as Partial<Hello>;
    if (tandem !== 'frame' || version !== VERSION) return;
    this.#drop('gone');
    if (this.#isOverdue) this.#expectFrame();
    // Who listens to `left` may have removed it.
    const frame = this.element.contentWindow;
    if (!frame) return;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    // Where browsers have this event, it comes at once when the frame's process died.
    port1.addEventListener('close', () => port1 === this.#port && this.#drop('gone'));
    port1.onmessage = ({ data }: MessageEvent<Answer | TokenWanted | EventMessage>) => this.#onMessage(port1, data);
    const { getToken, name } = this.#options;
    const connect: Connect = {
      tandem: 'embed',
      version: VERSION,
      givesTokens: getToken !== undefined,
      ...(name === undefined ? {} : { name }),
    };
    frame.postMessage(connect, this.#origin, [port2]);
  };

  #onMessage(port: MessagePort, message: Answer | TokenWanted | EventMessage): void {
    if (port !== this.#port) return;
    // A frame that takes this page says something at once: whether devices are on. One that does not take it says nothing.
    if (this.#isOverdue) this.#expectFrame();
    this.#settleReady.resolve();
    if ('event' in message) this.#emit(message.event, message.data);
    else if ('tokenWanted' in message) void this.#giveToken(port, message.tokenWanted);
    else {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error === undefined) waiting?.resolve();
      else waiting?.reject(new EmbedError(message.error as EmbedErrorCode));
    }
  }

  async #giveToken(port: MessagePort, tokenGiven: number): Promise<void> {
    const token = await Promise.resolve(this.#options.getToken?.()).catch(() => undefined);
    port.postMessage({ tokenGiven, ...(token === undefined ? {} : { token }) } satisfies TokenGiven);
  }

  async #ask<M extends keyof Methods>(method: M, value: Methods[M]): Promise<void> {
    await this.#ready;
    const port = this.#port;
    if (!port) throw new EmbedError('gone');
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      port.postMessage({ id, method, value } satisfies Request<M>);
    });
  }

  #drop(reason: 'removed' | 'gone'): void {
    if (!this.#port) return;
    this.#port.close();
    this.#port = undefined;
    this.#settleReady.reject(new EmbedError(reason));
    this.#expectFrame();
    for (const { reject } of this.#waiting.values()) reject(new EmbedError(reason));
    this.#waiting.clear();
    if (this.#inside) this.#emit('left', { reason });
  }

  #emit<E extends keyof EmbedEvents>(event: E, data: EmbedEvents[E]): void {
    if (event === 'joined') this.#inside = true;
    if (event === 'left') this.#inside = false;
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        (listener as (data: EmbedEvents[E]) => void)(data);
      } catch (error) {
        // One listener's fault is not the next one's.
        reportError(error);
      }
    }
  }
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const local = url?.protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  if (!url || (url.protocol !== 'https:' && !local))
    throw new EmbedError('invalid_url', 'url has to be https, such as https://calls.example.org');
  return url;
}
