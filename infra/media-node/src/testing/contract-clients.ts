/** Who takes part in the contract suite of an engine: clients that send and receive, and their legs. */
import type {
  Candidate,
  Engine,
  EngineRoom,
  PublisherLeg,
  Slot,
  SubscribedTrack,
  SubscriberLeg,
  TrackName,
} from '../engine.ts';

/** A client that sends. */
export interface Sender {
  /** Makes an offer, passes it to the leg, takes the answer. */
  connect(leg: PublisherLeg): Promise<void>;
  candidate(candidate: Candidate | null): void;
  onCandidate: (candidate: Candidate) => void;
  close(): void;
}
/** A client that receives. */
export interface Receiver {
  answer(sdp: string): Promise<string>;
  candidate(candidate: Candidate | null): void;
  onCandidate: (candidate: Candidate) => void;
  /** Do packets of this media section arrive? Looks for a moment. */
  flows(mid: string): Promise<boolean>;
  close(): void;
}
export interface EngineHarness {
  engine(): Engine;
  sender(name: string, slots: readonly Slot[]): Sender;
  /** @param leg of it, when the client is an imitation that asks the engine */
  receiver(name: string, leg: () => SubscriberLeg): Receiver;
}

/** Someone who publishes, with what its leg said. */
export async function publisher(
  harness: EngineHarness,
  room: EngineRoom,
  id: string,
  slots: readonly Slot[] = ['audio', 'video'],
) {
  const client = harness.sender(id, slots);
  const said: string[] = [];
  const candidates: (Candidate | null)[] = [];
  const leg = await room.publish(id, {
    onCandidate: (candidate) => {
      said.push('candidate');
      candidates.push(candidate);
      client.candidate(candidate);
    },
    onLive: () => said.push('live'),
    onLost: (reason) => said.push(`lost: ${reason}`),
  });
  client.onCandidate = (candidate) => leg.candidate(candidate);
  return {
    leg,
    said,
    candidates,
    client,
    connect: async () => {
      await client.connect({
        ...leg,
        offer: async (sdp) => {
          const answer = await leg.offer(sdp);
          said.push('answer');
          return answer;
        },
      } as PublisherLeg);
    },
  };
}

/** Someone who receives, with what its leg said; answers each offer. */
export async function subscriber(harness: EngineHarness, room: EngineRoom, id: string) {
  const said: string[] = [];
  const candidates: (Candidate | null)[] = [];
  let tracks: readonly SubscribedTrack[] = [];
  const offers: string[] = [];
  let open = 0;
  let most = 0;
  let answers = true;
  let leg: SubscriberLeg;
  const client = harness.receiver(id, () => leg);
  leg = await room.subscribe(id, {
    onCandidate: (candidate) => {
      said.push('candidate');
      candidates.push(candidate);
      client.candidate(candidate);
    },
    onLive: () => said.push('live'),
    onLost: (reason) => said.push(`lost: ${reason}`),
    onOffer: (sdp, all) => {
      said.push('offer');
      tracks = all;
      offers.push(sdp);
      if (!answers) return;
      most = Math.max(most, ++open);
      void client.answer(sdp).then(async (answer) => {
        open--;
        await leg.answer(answer).catch(() => {});
      });
    },
  });
  client.onCandidate = (candidate) => leg.candidate(candidate);
  return {
    leg,
    said,
    candidates,
    client,
    offers,
    /** Set to false by a test whose client cannot follow. */
    set answers(value: boolean) {
      answers = value;
    },
    get tracks() {
      return tracks;
    },
    /** Offers that were open at the same time. */
    get mostOffers() {
      return most;
    },
    mid: (track: TrackName) => tracks.find((t) => t.publisher === track.publisher && t.slot === track.slot)?.mid,
    async receives(track: TrackName): Promise<boolean> {
      const mid = tracks.find((t) => t.publisher === track.publisher && t.slot === track.slot)?.mid;
      return mid !== undefined && (await client.flows(mid));
    },
  };
}

export const track = (name: string, slot: Slot = 'video'): TrackName => ({ publisher: name, slot });
