import type { EmbedEvents } from '../../../../packages/embed/src/messages.ts';
import type { CallModel } from '../call/call-model.ts';
import { localMedia } from '../media/local-media.ts';

type Tell = <E extends keyof EmbedEvents>(event: E, data: EmbedEvents[E]) => void;

/** What changes in the call, as events for the framing page. After `left` comes nothing of that call any more. */
export function tellEvents(call: CallModel, tell: Tell): void {
  let inside = false;
  let peers = new Set<string>();
  call.subscribe(() => {
    const { phase, room, end, peers: now } = call.get();
    if (phase === 'call') {
      if (!inside) tell('joined', { roomId: room });
      inside = true;
      for (const { id, name } of now) if (!peers.has(id)) tell('peer-joined', { peerId: id, name });
      const there = new Set(now.map(({ id }) => id));
      for (const id of peers) if (!there.has(id)) tell('peer-left', { peerId: id });
      peers = there;
    } else if (inside && end !== undefined) {
      inside = false;
      peers = new Set();
      tell('left', { reason: end });
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
