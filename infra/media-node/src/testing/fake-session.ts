/** Signaling for the agent of a room, on the fake engine. */
import type { PeerInfo, SessionEvents } from '@tandem/rtc';
import type { RoomSession } from '../agent-session.ts';

/** Of somebody who sends sound and a camera. */
export const OFFER = ['v=0', 'm=audio 9 X 0', 'a=mid:0', 'a=sendonly', 'm=video 9 X 0', 'a=mid:1', 'a=sendonly'].join(
  '\r\n',
);

/** Signaling in which a test says who is there, and what they say. */
export class FakeSession implements RoomSession {
  readonly peers = new Map<string, PeerInfo>();
  readonly sent: { to: string; type: string; body: Record<string, never> }[] = [];
  closed = false;
  readonly #listeners = new Map<string, ((payload: never) => void)[]>();
  on<K extends keyof SessionEvents>(event: K, listener: (payload: SessionEvents[K]) => void): () => void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener as never]);
    return () => {};
  }
  emit<K extends keyof SessionEvents>(event: K, payload: SessionEvents[K]): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(payload as never);
  }
  async sendTo(to: string, type: string, body: never): Promise<void> {
    this.sent.push({ to, type, body });
  }
  close(): void {
    this.closed = true;
  }
  media: RoomSession['media'];
  /** What it said of itself, in order. */
  readonly updates: object[] = [];
  update({ media, recording }: { media: number; recording?: number }): void {
    this.updates.push({ media, recording });
    this.media = { epoch: media, recording };
    this.emit('media', { media: { peerId: 'media~1', ...this.media } });
  }
  arrive(...peerIds: string[]): void {
    for (const peerId of peerIds) {
      this.peers.set(peerId, { peerId });
      this.emit('peer-joined', { peer: { peerId }, before: false });
    }
  }
  depart(...peerIds: string[]): void {
    for (const peerId of peerIds) {
      this.peers.delete(peerId);
      this.emit('peer-left', { peer: { peerId }, reason: 'kicked' });
    }
  }
  /** Someone connects both legs. */
  connect(peerId: string, gen = 1): void {
    this.emit('signal', { type: 'offer', peerId, sdp: { type: 'offer', sdp: OFFER, leg: 'up', gen } as never });
    this.emit('signal', { type: 'media-want', peerId, want: { gen } });
  }
  answer(peerId: string, gen = 1): void {
    this.emit('signal', { type: 'answer', peerId, sdp: { type: 'answer', sdp: 'v=0', leg: 'down', gen } as never });
  }
  of(to: string, type: string) {
    return this.sent.filter((s) => s.to === to && s.type === type);
  }
}
