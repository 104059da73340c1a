/** Both legs to one media node, for one epoch of the room, and which of its tracks have really arrived. */
import { type Clock, sleep } from '../clock.ts';
import type { Slot } from '../pair-types.ts';
import { DownLeg, type IncomingTrack } from './down-leg.ts';
import type { LegHost, LegName } from './leg.ts';
import { UpLeg } from './up-leg.ts';

/** How often a track that is new is asked whether it decodes, ms. */
const ARRIVAL_POLL_MS = 50;
/** After ten seconds it is a camera that is off: asked less often. */
const QUICK_POLLS = 200;
const SLOW_POLL_MS = 500;
/** The first frames of a new connection come unevenly: a picture that still moves is shown this much longer, ms. */
const SETTLE_MS = 600;
/** A picture whose last packet came before that stands still, ms. */
const MOVES_MS = 500;
/** Who comes into a room without any media sends after this time, ms. */
const ALONE_MS = 100;

export interface SfuLinkHost extends Omit<LegHost, 'onLive' | 'onFailed'> {
  /** Nothing is sent: there is no up leg. */
  readonly audience?: boolean;
  /** Does anybody say that it sends something? */
  isSent(): boolean;
  want(body: object): void;
  /** My media reaches the node; of an audience: the node reaches me. */
  onUpLive(): void;
  /** Whose media the track has to bring from now on. */
  expects(track: IncomingTrack): void;
  /** By which this person is seen or heard until now. */
  receiver?(of: Pick<IncomingTrack, 'peerId' | 'slot'>): RTCRtpReceiver | undefined;
  /** Frames are decoded (video), packets come (audio): now it may be shown. */
  onArrived(track: IncomingTrack): void;
  /** The node cannot be reached. */
  onFailed(): void;
}

const key = ({ peerId, slot }: { peerId: string; slot: Slot }) => `${slot} ${peerId}`;

export class SfuLink {
  readonly epoch: number;
  /** Peer id of the node's agent. */
  readonly agent: string;
  readonly #host: SfuLinkHost;
  /** Absent: I watch and listen only. */
  readonly up: UpLeg | undefined;
  readonly down: DownLeg;
  /** Tracks of the node's last offer. */
  #tracks = new Map<string, IncomingTrack>();
  readonly #arrived = new Map<string, IncomingTrack>();
  /** The way down begins once the offer of the way up is out. */
  #isDownDue = false;
  #closed = false;

  constructor(agent: string, epoch: number, host: SfuLinkHost) {
    this.agent = agent;
    this.epoch = epoch;
    this.#host = host;
    this.up = host.audience ? undefined : this.#makeUp(host);
    this.down = new DownLeg({
      ...host,
      onLive: () => {
        if (!this.up) host.onUpLive();
      },
      onTracks: (tracks) => {
        this.#follow(tracks);
        // Behind the candidates that follow the offer.
        this.#startUp(0);
      },
    });
  }

  get isUpLive(): boolean {
    return (this.up ?? this.down).isLive;
  }
  get isLive(): boolean {
    return this.isUpLive && this.down.isLive;
  }

  /**
   * Also when the node has lost its legs (its engine died): new connections.
   * @param comes I am new in a room that the node serves: what others send comes first, and nothing of mine is in its way
   */
  start(comes = false): void {
    // All wait for each other's media: what leads to mine is first.
    if (this.up && !comes) {
      this.#isDownDue = true;
      this.up.start();
      return;
    }
    this.#startUp(ALONE_MS);
    this.down.start();
  }
  #makeUp(host: SfuLinkHost): UpLeg {
    const onOffered = () => {
      if (this.#isDownDue) this.down.start();
      this.#isDownDue = false;
    };
    return new UpLeg({ ...host, onLive: () => host.onUpLive(), onOffered });
  }
  /** Unless it has begun. */
  #startUp(ms: number): void {
    this.#host.clock.setTimeout(() => this.up?.gen === 0 && this.up.start(), ms);
  }

  receive(type: 'offer' | 'answer' | 'ice-candidate', body: { sdp?: unknown; candidate?: unknown }): void {
    const part = (type === 'ice-candidate' ? body.candidate : body.sdp) as { leg?: LegName } | null | undefined;
    if (part?.leg === 'up') this.up?.receive(type, body);
    else if (part?.leg === 'down') this.down.receive(type, body);
  }

  /** A track that has arrived, or undefined. */
  arrived(peerId: string, slot: Slot): IncomingTrack | undefined {
    return this.#arrived.get(key({ peerId, slot }));
  }
  /** What is announced of a person, arrived or not. */
  announced(peerId: string): Slot[] {
    return [...this.#tracks.values()].filter((t) => t.peerId === peerId).map((t) => t.slot);
  }

  /** @param clock another link, or a pair with each person, has taken its place */
  close(clock?: Clock): void {
    this.#closed = true;
    this.up?.close(clock);
    this.down.close(clock);
    this.#tracks.clear();
    this.#arrived.clear();
  }

  #follow(tracks: readonly IncomingTrack[]): void {
    for (const track of tracks) this.#host.expects(track);
    const before = this.#tracks;
    this.#tracks = new Map(
      tracks.map((track) => {
        const known = before.get(key(track));
        return [key(track), known?.receiver === track.receiver ? known : track];
      }),
    );
    for (const [name, track] of before) if (this.#tracks.get(name) !== track) this.#arrived.delete(name);
    for (const [name, track] of this.#tracks) if (before.get(name) !== track) void this.#waitFor(name, track);
  }

  /** A media section that carried somebody else's before has counts of its own already: what counts is that they grow. */
  async #waitFor(name: string, track: IncomingTrack): Promise<void> {
    const began = await arrivals(track);
    let polls = 0;
    while (!this.#closed && this.#tracks.get(name) === track) {
      const now = await arrivals(track).catch(() => began);
      if (now > began) {
        const shown = track.slot !== 'audio' && this.#host.receiver?.(track)?.getSynchronizationSources?.()[0];
        if (shown && performance.timeOrigin + performance.now() - shown.timestamp < MOVES_MS)
          await sleep(this.#host.clock, SETTLE_MS);
        if (this.#closed || this.#tracks.get(name) !== track) return;
        this.#arrived.set(name, track);
        this.#host.onArrived(track);
        return;
      }
      await sleep(this.#host.clock, ++polls < QUICK_POLLS ? ARRIVAL_POLL_MS : SLOW_POLL_MS);
    }
  }
}

/** Frames decoded (video) or packets received (audio) until now. */
export async function arrivals({ receiver, slot }: Pick<IncomingTrack, 'receiver' | 'slot'>): Promise<number> {
  let sum = 0;
  const report = await receiver.getStats();
  report.forEach((stat: { type: string; framesDecoded?: number; packetsReceived?: number }) => {
    if (stat.type === 'inbound-rtp') sum += (slot === 'audio' ? stat.packetsReceived : stat.framesDecoded) ?? 0;
  });
  return sum;
}
