/** Janus' API over its WebSocket transport: one session, handles in it (https://janus.conf.meetecho.com/docs/rest.html). */
import { EngineError } from './engine.ts';

/** A request that is not answered in this time failed, ms. */
const ANSWER_MS = 8000;
/** Often enough for Janus, which ends a session after 60 s of silence (`session_timeout`); one that hangs is known after 26 s. */
const KEEPALIVE_MS = 5000;
/** Keepalives in a row without an answer, after which Janus is taken for hung. */
const MAX_UNANSWERED = 2;
/** Janus' number for a session that it does not have. */
const NO_SUCH_SESSION = 458;

type Json = Record<string, unknown>;
/** A frame of Janus, as far as we read it. */
interface JanusFrame extends Json {
  readonly janus: string;
  readonly transaction?: string;
  readonly sender?: number;
  readonly data?: { readonly id: number };
  readonly error?: { readonly code: number; readonly reason: string };
  readonly plugindata?: { readonly data: Json };
  readonly jsep?: { readonly type: string; readonly sdp: string };
}

/** The answer of a plugin. */
export interface PluginAnswer {
  readonly data: Json;
  readonly sdp?: string;
}

/** What a handle hears without having asked. */
export interface HandleEvents {
  /** `webrtcup`, `hangup`, `media`, `slowlink`, `detached`, `trickle`. */
  onFrame(frame: JanusFrame): void;
  onPlugin(answer: PluginAnswer): void;
}

interface Waiter {
  readonly resolve: (frame: JanusFrame) => void;
  readonly reject: (error: EngineError) => void;
  /** `ack` is the answer, or only says that one will come. */
  readonly takesAck: boolean;
  readonly timer: NodeJS.Timeout;
}

interface RequestParts {
  readonly takesAck?: boolean;
  /** Gets an answer that comes after the request was given up. */
  readonly undo?: (frame: JanusFrame) => void;
}

interface MessageParts {
  readonly jsep?: Jsep | undefined;
  readonly undo?: ((data: Json) => void) | undefined;
}

type Jsep = { readonly type: 'offer' | 'answer'; readonly sdp: string };

export class JanusClient {
  readonly #socket: WebSocket;
  readonly #secret: string;
  readonly #waiting = new Map<string, Waiter>();
  /** What a request has made whose answer was given up, to be undone when it says so after all. */
  readonly #late = new Map<string, (frame: JanusFrame) => void>();
  readonly #handles = new Map<number, HandleEvents>();
  #session = 0;
  #transactions = 0;
  #keepalive: NodeJS.Timeout | undefined;
  #closed = false;
  readonly #lost = Promise.withResolvers<string>();
  /**
   * Settles with the reason when nothing can be asked of this Janus any more, though its process may live: its connection is cut, it has
   * ended our session, or it does not answer. Never after {@link close}.
   */
  readonly gone: Promise<string> = this.#lost.promise;

  private constructor(socket: WebSocket, secret: string) {
    this.#socket = socket;
    this.#secret = secret;
    socket.onmessage = ({ data }) => this.#receive(String(data));
    socket.onclose = () => this.#give('its connection was closed');
  }

  /**
   * @param keepaliveMs between the answer to a keepalive and the next one, ms. Default 5000
   * @throws EngineError when nothing answers there
   */
  static async connect(url: string, secret: string, keepaliveMs = KEEPALIVE_MS): Promise<JanusClient> {
    const socket = new WebSocket(url, 'janus-protocol');
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new EngineError('gone', `janus does not listen at ${url}`));
    });
    const client = new JanusClient(socket, secret);
    client.#session = (await client.#request({ janus: 'create' })).data?.id ?? 0;
    client.#keepAlive(keepaliveMs);
    return client;
  }

  #keepAlive(ms: number, unanswered = 0): void {
    if (this.#closed) return;
    this.#keepalive = setTimeout(async () => {
      const answered = await this.#request({ janus: 'keepalive' }, { takesAck: true }).then(
        () => true,
        () => false,
      );
      if (answered) this.#keepAlive(ms);
      else if (unanswered + 1 < MAX_UNANSWERED) this.#keepAlive(ms, unanswered + 1);
      else this.#give(`it did not answer ${MAX_UNANSWERED} keepalives`);
    }, ms).unref();
  }

  get handles(): number {
    return this.#handles.size;
  }

  async attach(plugin: string, events: HandleEvents): Promise<JanusHandle> {
    const undo = ({ data }: JanusFrame) => void this.#detach(data?.id ?? 0);
    const id = (await this.#request({ janus: 'attach', plugin }, { undo })).data?.id ?? 0;
    this.#handles.set(id, events);
    return {
      message: (body, sdp, undo) => this.#message(id, body, { jsep: sdp, undo }),
      trickle: (candidate) =>
        void this.#request(
          { janus: 'trickle', handle_id: id, candidate: candidate ?? { completed: true } },
          { takesAck: true },
        ).catch(() => {}),
      detach: async () => {
        // First, so that nothing is heard of it any more; a handle that Janus has detached itself is no error.
        if (this.#handles.delete(id)) await this.#detach(id);
      },
    };
  }

  close(): void {
    this.#end();
    this.#socket.close();
  }

  async #detach(handle_id: number): Promise<void> {
    await this.#request({ janus: 'detach', handle_id }).catch(() => {});
  }

  async #message(handle_id: number, body: Json, { jsep, undo }: MessageParts): Promise<PluginAnswer> {
    const frame = await this.#request(
      { janus: 'message', handle_id, body, ...(jsep ? { jsep } : {}) },
      undo ? { undo: ({ plugindata }) => undo(plugindata?.data ?? {}) } : {},
    );
    const data = frame.plugindata?.data ?? {};
    if (typeof data.error === 'string')
      throw new EngineError(data.error_code === 432 ? 'full' : 'refused', `janus: ${data.error} (${data.error_code})`);
    return { data, ...(frame.jsep ? { sdp: frame.jsep.sdp } : {}) };
  }

  #request(frame: Json, { takesAck = false, undo }: RequestParts = {}): Promise<JanusFrame> {
    if (this.#socket.readyState !== WebSocket.OPEN) return Promise.reject(new EngineError('gone', 'janus is gone'));
    const transaction = `t${++this.#transactions}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(transaction);
        if (undo) this.#late.set(transaction, undo);
        reject(new EngineError('timeout', `janus did not answer ${String(frame.janus)}`));
      }, ANSWER_MS);
      this.#waiting.set(transaction, { resolve, reject, takesAck, timer });
      const session = this.#session ? { session_id: this.#session } : {};
      this.#socket.send(JSON.stringify({ ...frame, ...session, transaction, apisecret: this.#secret }));
    });
  }

  #receive(text: string): void {
    const frame = JSON.parse(text) as JanusFrame;
    // It sends `timeout` once, and to an agent that stood still perhaps long ago.
    if ((frame.janus === 'timeout' && frame.sender === undefined) || frame.error?.code === NO_SUCH_SESSION)
      this.#give('it has ended our session');
    const waiter = frame.transaction === undefined ? undefined : this.#waiting.get(frame.transaction);
    if (waiter) {
      if (frame.janus === 'ack' && !waiter.takesAck) return;
      this.#waiting.delete(frame.transaction ?? '');
      clearTimeout(waiter.timer);
      if (frame.janus === 'error')
        waiter.reject(new EngineError('refused', `janus: ${frame.error?.reason} (${frame.error?.code})`));
      else waiter.resolve(frame);
      return;
    }
    if (this.#undoLate(frame)) return;
    const events = this.#handles.get(frame.sender ?? -1);
    if (frame.janus === 'event')
      events?.onPlugin({ data: frame.plugindata?.data ?? {}, ...(frame.jsep ? { sdp: frame.jsep.sdp } : {}) });
    else events?.onFrame(frame);
  }

  /** @returns whether it answers a request that was given up */
  #undoLate(frame: JanusFrame): boolean {
    const undo = this.#late.get(frame.transaction ?? '');
    if (!undo || frame.janus === 'ack') return undo !== undefined;
    this.#late.delete(frame.transaction ?? '');
    if (frame.janus !== 'error') undo(frame);
    return true;
  }

  #give(reason: string): void {
    if (this.#closed) return;
    this.#end();
    this.#socket.close();
    this.#lost.resolve(reason);
  }

  #end(): void {
    this.#closed = true;
    clearTimeout(this.#keepalive);
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new EngineError('gone', 'janus is gone'));
    }
    this.#waiting.clear();
    this.#late.clear();
    this.#handles.clear();
  }
}

export interface JanusHandle {
  /**
   * @param undo gets what the plugin says after the request was given up @throws EngineError with what the plugin says
   */
  message(body: Json, jsep?: Jsep, undo?: (data: Json) => void): Promise<PluginAnswer>;
  trickle(candidate: object | null): void;
  detach(): Promise<void>;
}
