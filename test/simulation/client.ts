/** A client with the SDK. */
import { SignalingSession, type WebSocketConstructor } from '@tandem/rtc';
import { PartClock } from './clock.ts';
import { SimSocket, type Wire } from './wire.ts';
import type { Party, Seen, World } from './world.ts';

/** Shorter than the SDK's ten seconds, as all times here: the store may take longer. */
const CONNECT_TIMEOUT = 4000;

export class Client implements Party {
  readonly world: World;
  readonly name: string;
  /** Who is signed in there. */
  readonly person: string;
  readonly clock: PartClock;
  readonly session: SignalingSession;
  dead = false;
  offline = false;
  /** The last that it opened. */
  wire: Wire | undefined;
  /** Should be in the room now. */
  inRoom = true;
  /** What it said of itself last. */
  said = 'nothing';
  readonly saidIsKept = true;
  constructor(world: World, name: string, resend: boolean, person = name) {
    this.world = world;
    this.name = name;
    this.person = person;
    const random = world.random.fork();
    this.clock = new PartClock(world.clock, random);
    const client = this;
    this.session = new SignalingSession({
      url: 'wss://sim/ws/signal',
      getToken: async () => 'token',
      WebSocket: class {
        constructor() {
          // biome-ignore lint/correctness/noConstructorReturn: the SDK calls `new` on what stands for WebSocket
          return new SimSocket(client);
        }
      } as unknown as WebSocketConstructor,
      clock: this.clock,
      random: random.next,
      probe: false,
      connectTimeout: CONNECT_TIMEOUT,
      delivery: { resend },
    });
    if (process.env.TRACE)
      for (const event of [
        'state',
        'joined',
        'session-lost',
        'peer-joined',
        'peer-left',
        'peer-away',
        'peer-back',
        'undelivered',
        'error',
      ] as const)
        this.session.on(event, (payload) =>
          console.log(
            Math.round(world.clock.now()),
            this.name,
            this.session.peerId?.slice(0, 4),
            event,
            JSON.stringify(payload),
          ),
        );
    this.session.on('session-lost', () => world.sessionLost(name));
    this.session.on('peer-left', ({ peer }) => world.peerLeft(name, peer.peerId));
    this.session.on('message', ({ peerId, data }) => world.ledger.received(peerId, this, data));
    this.session.on('state', ({ state, reason, message }) => {
      if (state === 'closed' && reason !== 'normal') world.problem(`${name} was closed: ${reason} ${message}`);
    });
  }

  get peerId(): string | undefined {
    return this.session.peerId;
  }
  get roomId(): string | undefined {
    return this.session.roomId;
  }
  get state(): string {
    return this.session.state;
  }
  get view(): ReadonlyMap<string, Seen> {
    return this.session.peers;
  }

  /** Microphone on, microphone off. */
  update(said: string): void {
    this.said = said;
    this.session.update({ said });
  }
  close(): void {
    this.session.close();
  }

  join(): void {
    this.inRoom = true;
    this.session.join('room', { said: this.said }).catch((error: { code: string }) => {
      if (error.code !== 'closed') this.world.problem(`${this.name}: join refused: ${error.code}`);
    });
  }
  leave(): void {
    this.inRoom = false;
    this.session.leave();
  }
  /** The process is gone: no goodbye, no timer runs any more. */
  crash(): void {
    this.dead = true;
    this.clock.dead = true;
    for (const wire of this.world.wires) if (wire.client === this) wire.reset(this.world.random.chance(0.7), false);
  }
}
