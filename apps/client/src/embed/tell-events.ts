import type { EmbedEvents } from '../../../../packages/embed/src/messages.ts';
import type { CallModel } from '../call/call-model.ts';
import { localMedia } from '../media/local-media.ts';

type Tell = <E extends keyof EmbedEvents>(event: E, data: EmbedEvents[E]) => void;

/** What changes in the call, as events for the framing page. After `left` comes nothing of that call any more. Between two rooms of a move comes none. */
export function tellEvents(call: CallModel, tell: Tell): void {
  /** The room. */
  let inside: string | undefined;
  let peers = new Set<string>();
  call.subscribe(() => {
    const { phase, room, end, peers: now } = call.get();
    if (phase === 'call') {
      if (inside !== room) {
        peers = new Set();
        tell('joined', { roomId: room });
      }
      inside = room;
      for (const { id, name } of now) if (!peers.has(id)) tell('peer-joined', { peerId: id, name });
      const there = new Set(now.map(({ id }) => id));
      for (const id of peers) if (!there.has(id)) tell('peer-left', { peerId: id });
      peers = there;
    } else if (inside !== undefined && (end !== undefined || phase === 'lobby')) {
      inside = undefined;
      peers = new Set();
      // Without an end: given up on the way to another room.
      tell('left', { reason: end ?? 'left' });
    }
  });
  let before = '';
  const media = () => {
    const { audio, muted, video } = localMedia.get();
    const now = { audio: audio === 'live' && !muted, video: video === 'live' };
    if (JSON.stringify(now) !== before) tell('media', now);
    before = JSON.stringify(now);
  };
  localMedia.subscribe(media);
  media();
}
