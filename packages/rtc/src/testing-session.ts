/** A session and the server's end of its sockets, by hand, in virtual time: for units. Not part of the package. */
import type { WebSocketConstructor, WebSocketLike } from './link.ts';
import { SignalingSession } from './session.ts';
import type { SessionEvents, SessionOptions } from './session-types.ts';
import { random, VirtualTime } from './testing.ts';
import type { Frame } from './wire.ts';

/** The server's end of a socket, by hand. */
export class Socket implements WebSocketLike {
  readyState = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly url: string;
  readonly protocols: string[];
  readonly got: Frame[] = [];
  closedWith: number | undefined;
  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
  }
  send(data: string): void {
    this.got.push(JSON.parse(data) as Frame);
  }
  close(code = 1000): void {
    if (this.readyState >= 2) return;
    this.readyState = 2;
    this.closedWith = code;
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.({} as never);
  }
  say(frame: Frame): void {
    this.onmessage?.({ data: JSON.stringify(frame) } as never);
  }
  drop(code: number, reason = ''): void {
    this.readyState = 3;
    this.onclose?.({ code, reason } as never);
  }
  types(): string[] {
    return this.got.map((f) => f.type);
  }
}

export const WELCOME = {
  type: 'welcome',
  peerId: 'me',
  sessionToken: 'me.secret-secret',
  heartbeat: { interval: 5000, timeout: 12_000 },
  limits: { maxFrameBytes: 65_536, maxRoomSize: 50, messagesPerSecond: 100, graceSeconds: 60 },
  node: 'n1',
};
export const RESUMED = {
  type: 'resumed',
  peerId: 'me',
  sessionToken: 'me.secret-secret',
  node: 'n2',
  peers: [],
  parked: 0,
};

export class Bench {
  readonly time = new VirtualTime();
  readonly sockets: Socket[] = [];
  readonly tokens: boolean[] = [];
  readonly events: { event: string; payload: unknown }[] = [];
  readonly session: SignalingSession;
  constructor(options: Partial<SessionOptions> = {}) {
    const { sockets } = this;
    class Recorded extends Socket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    }
    this.session = new SignalingSession({
      url: 'https://example.org/ws/signal',
      getToken: async ({ refresh }) => {
        this.tokens.push(refresh);
        return 'header.payload.signature';
      },
      WebSocket: Recorded as unknown as WebSocketConstructor,
      clock: this.time,
      random: random(1),
      probe: false,
      ...options,
    });
    for (const event of [
      'state',
      'joined',
      'left',
      'room-lost',
      'session-lost',
      'peer-left',
      'kicked',
      'undelivered',
      'error',
    ] as const)
      this.session.on(event, (payload) => this.events.push({ event, payload }));
  }
  get socket(): Socket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error('no socket yet');
    return socket;
  }
  of<K extends keyof SessionEvents>(event: K): SessionEvents[K][] {
    return this.events.filter((e) => e.event === event).map((e) => e.payload as SessionEvents[K]);
  }
  async connected(welcome = {}): Promise<this> {
    const done = this.session.connect();
    await this.time.settle(0);
    this.socket.open();
    this.socket.say({ ...WELCOME, ...welcome });
    await done;
    return this;
  }
  async inRoom(peers: object[] = []): Promise<this> {
    await this.connected();
    const done = this.session.join('kitchen', { name: 'Ada' });
    this.socket.say({ type: 'joined', roomId: 'kitchen', peerId: 'me', peers });
    await done;
    return this;
  }
}
