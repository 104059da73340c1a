import type { PeerInfo, SessionEvents } from '@tandem/rtc';

/** What the agent needs of its signaling session; packages/rtc's SignalingSession has it. */
export interface RoomSession {
  readonly peers: ReadonlyMap<string, PeerInfo>;
  on<K extends keyof SessionEvents>(event: K, listener: (payload: SessionEvents[K]) => void): () => void;
  sendTo(peerId: string, type: 'offer' | 'answer' | 'ice-candidate' | 'media-state', body: never): Promise<unknown>;
  close(): void;
  update(metadata: { media: number; recording?: number }): void;
  /** The room's, as signaling has it. */
  readonly media: { readonly epoch: number; readonly recording?: number | undefined } | undefined;
}
