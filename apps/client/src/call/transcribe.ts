/** What I say, in words for the others: recognized on this device, or where that cannot be and I allow it, by the deployment's captions service. */
import type { Call } from '@tandem/rtc';
import { preferences } from '../lib/preferences.ts';
import { localMedia } from '../media/local-media.ts';
import { CAPTION_LENGTH } from './captions.ts';
import { mayChat } from './permitted.ts';
import { sentMedia } from './sent-media.ts';
import type { CallState } from './state.ts';

/** While somebody speaks, the others get the newest words this often, ms. */
const TELL_MS = 600;
/** In a room of more others than this a backend has to make captions: each line is a message to each of them. */
export const MOST_TOLD = 24;

/** Tells the others, not at every syllable. */
function teller(
  call: Call,
  isTold: () => boolean,
): { tell: (text: string, isFinal: boolean) => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waiting = '';
  const say = () => {
    timer = undefined;
    const text = waiting.trim().slice(-CAPTION_LENGTH);
    waiting = '';
    if (text && isTold()) void call.send({ caption: text });
  };
  return {
    tell(text, isFinal) {
      waiting = text;
      if (isFinal) {
        clearTimeout(timer);
        say();
      } else timer ??= setTimeout(say, TELL_MS);
    },
    stop: () => clearTimeout(timer),
  };
}

/** For as long as the call lasts: while it is wanted and the microphone is on. @returns what ends it */
export function transcribe(call: Call, state: CallState): () => void {
  let source: MediaStreamTrack | undefined;
  let allowed = '';
  let stop = () => {};
  let turn = 0;
  // Where moderators alone write, no page shows what I say in words.
  const isTold = () => call.peers.length > 0 && call.peers.length <= MOST_TOLD && mayChat(state.get());
  const { tell, stop: hush } = teller(call, isTold);
  const said = new Set<string>();
  const sayOnce = (key: 'captions.encrypted' | 'captions.away') => {
    if (!said.has(key)) state.notify(key);
    said.add(key);
  };
  // Not tried again before the switch or the microphone is used.
  const failed = () => {
    stop = () => {};
    state.notify('captions.failed');
  };
  const look = () => {
    const { audioTrack, muted } = sentMedia(state);
    const { captionMine: here, captionSent: sent } = preferences.get();
    const wanted = (here || sent) && !muted ? audioTrack : undefined;
    if (wanted === source && allowed === `${here} ${sent}`) return;
    stop();
    stop = () => {};
    source = wanted;
    allowed = `${here} ${sent}`;
    const mine = ++turn;
    const isWanted = () => mine === turn;
    if (!wanted) return;
    import('./recognize.ts')
      .then(({ recognize }) =>
        recognize(wanted, { here, sent, call, secret: state.get().secret, isWanted, isTold, tell, failed, sayOnce }),
      )
      .then(
        (end) => {
          // Muted, or switched off, while it loaded.
          if (isWanted()) stop = end;
          else end();
        },
        () => isWanted() && failed(),
      );
  };
  look();
  const undo = [preferences.subscribe(look), localMedia.subscribe(look)];
  return () => {
    for (const end of undo) end();
    turn++;
    stop();
    hush();
  };
}
