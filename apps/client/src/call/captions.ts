/** Captions: of the deployment's backend (a server message with the topic `caption`), and of people whose browsers recognize what they say (app data of the call). */
import { displayName } from '@tandem/protocol/names';
import type { Call, RemotePeer } from '@tandem/rtc';
import { isHeard } from './permitted.ts';
import { CAPTIONS_OF_ONE, SenderPace } from './sender-pace.ts';
import type { CallState } from './state.ts';
import type { Caption } from './types.ts';

/** How long one stays after its last change, ms. */
const STAYS_MS = 6000;
/** Speakers shown at once. */
const SHOWN = 2;
/** Of a caption, in UTF-16 units: the end of a longer one, as that was said last. */
export const CAPTION_LENGTH = 240;

/** @param id of the speaker. Default: the name @returns undefined for what is no caption */
export function readCaption(topic: string, data: unknown, id?: string): Caption | undefined {
  if (topic !== 'caption' || typeof data !== 'object' || data === null) return undefined;
  const { name = '', text } = data as { name?: unknown; text?: unknown };
  if (typeof name !== 'string' || typeof text !== 'string' || text.trim() === '') return undefined;
  const said = text.trim();
  const speaker = displayName(name);
  return {
    id: id ?? speaker,
    name: speaker,
    text: said.length > CAPTION_LENGTH ? `…${[...said.slice(-CAPTION_LENGTH)].slice(1).join('')}` : said,
  };
}

/** What a person says, from their own page: who it is comes from the peer, whatever else is sent. @returns undefined for what is no caption */
export function readSpoken({ peerId, name }: Pick<RemotePeer, 'peerId' | 'name'>, data: unknown): Caption | undefined {
  const text = typeof data === 'object' && data !== null ? (data as { caption?: unknown }).caption : undefined;
  return readCaption('caption', { name, text }, peerId);
}

/** The newest of each speaker, the latest last. */
export const withCaption = (shown: readonly Caption[], caption: Caption): readonly Caption[] =>
  [...shown.filter(({ id }) => id !== caption.id), caption].slice(-SHOWN);

/** @returns what ends it */
export function followCaptions(call: Call, state: CallState): (() => void)[] {
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  const drop = (id: string) => {
    timers.delete(id);
    state.set({ captions: state.get().captions.filter((one) => one.id !== id) });
  };
  const show = (caption: Caption | undefined) => {
    if (!caption) return;
    state.set({ captions: withCaption(state.get().captions, caption) });
    clearTimeout(timers.get(caption.id));
    timers.set(
      caption.id,
      setTimeout(() => drop(caption.id), STAYS_MS),
    );
  };
  const pace = new SenderPace();
  return [
    call.session.on('server-message', ({ topic, data }) => show(readCaption(topic, data))),
    call.on('data', ({ peerId, data }) => {
      const speaker = call.peers.find((peer) => peer.peerId === peerId);
      // Words on the screen: where moderators alone write, and of somebody who cannot speak, they would be a way around it.
      if (!speaker || speaker.audience || !isHeard(state.get(), speaker.metadata)) return;
      const said = readSpoken(speaker, data);
      if (said && pace.allow(peerId, performance.now(), CAPTIONS_OF_ONE)) show(said);
    }),
    () => {
      for (const timer of timers.values()) clearTimeout(timer);
    },
  ];
}
