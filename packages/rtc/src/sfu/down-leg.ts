/** What I receive from a media node: everybody's tracks on one connection. */
import { SLOTS, type Slot } from '../pair-types.ts';
import { Leg, type LegDescription, type LegHost } from './leg.ts';

/** A track of somebody, as it comes in. */
export interface IncomingTrack {
  readonly peerId: string;
  readonly slot: Slot;
  readonly mid: string;
  readonly receiver: RTCRtpReceiver;
}

/** Size of a camera: 180 lines, 360, all; `off` stops the packets and keeps the subscription. */
export type Layer = 'off' | 'low' | 'mid' | 'high';

/** What is to be received: the layer of each camera, by peer id; `others` for the rest. */
export interface Wishes {
  readonly others: Layer;
  readonly layers: readonly {
    readonly peerId: string;
    readonly slot: Slot;
    readonly layer: Layer;
  }[];
}

export interface DownLegHost extends LegHost {
  /** Does anybody say that it sends something? */
  isSent(): boolean;
  want(body: { want: Wishes & { readonly gen: number; readonly restarts: number } }): void;
  /** All tracks of now; media sections may carry somebody else's than before. */
  onTracks(tracks: readonly IncomingTrack[]): void;
}

export class DownLeg extends Leg {
  declare protected readonly host: DownLegHost;
  #wishes: Wishes = { others: 'high', layers: [] };
  #restarts = 0;

  constructor(host: DownLegHost) {
    super('down', host);
  }

  /** Replace what is to be received. */
  wish(wishes: Wishes): void {
    this.#wishes = wishes;
    if (this.gen > 0) this.#want();
  }

  protected override opening(): void {
    this.#restarts = 0;
    this.#want();
  }

  /** The node offers when there is something to forward. A peer that says it sends is no proof that it does: its word fails nothing. */
  protected override silence(): 'ask' | 'wait' {
    return this.host.isSent() ? 'ask' : 'wait';
  }

  protected restart(): void {
    this.#restarts++;
    this.#want();
  }

  protected async described(pc: RTCPeerConnection, type: 'offer' | 'answer', offer: LegDescription): Promise<void> {
    if (type !== 'offer') return;
    await this.setRemote(pc, 'offer', offer.sdp);
    const answer = await pc.createAnswer();
    const sdp: LegDescription = {
      type: 'answer',
      sdp: answer.sdp ?? '',
      leg: 'down',
      gen: this.gen,
      ...(offer.n === undefined ? {} : { to: offer.n }),
    };
    // Out before it is set here: its candidates follow, and the other side has work to do meanwhile.
    this.host.send('answer', { sdp });
    await pc.setLocalDescription(answer);
    this.host.onTracks(incoming(pc, offer.tracks));
  }

  #want(): void {
    this.host.want({ want: { ...this.#wishes, gen: this.gen, restarts: this.#restarts } });
  }
}

/** What the offer says of its sections, as far as the connection has them. */
function incoming(pc: RTCPeerConnection, tracks: unknown): IncomingTrack[] {
  const transceivers = new Map(pc.getTransceivers().map((t) => [t.mid, t]));
  return (Array.isArray(tracks) ? tracks : []).flatMap((told: Partial<IncomingTrack> | null): IncomingTrack[] => {
    const { mid, peerId, slot } = told ?? {};
    const receiver = typeof mid === 'string' ? transceivers.get(mid)?.receiver : undefined;
    if (!receiver || typeof mid !== 'string' || typeof peerId !== 'string' || !slot || !SLOTS.includes(slot)) return [];
    return [{ peerId, slot, mid, receiver }];
  });
}
