/** Captions that the deployment's backend makes and sends to the room: a server message with the topic `caption`. */
import { displayName } from '@tandem/protocol/names';
import type { Call } from '@tandem/rtc';
import type { CallState } from './state.ts';
import type { Caption } from './types.ts';

/** How long one stays after its last change, ms. */
const STAYS_MS = 6000;
/** Speakers shown at once. */
const SHOWN = 2;
/** Of a caption, in UTF-16 units: the end of a longer one, as that was said last. */
const LENGTH = 240;

/** @returns undefined for what is no caption */
export function readCaption(topic: string, data: unknown): Caption | undefined {
  if (topic !== 'caption' || typeof data !== 'object' || data === null) return undefined;
  const { name = '', text } = data as { name?: unknown; text?: unknown };
  if (typeof name !== 'string' || typeof text !== 'string' || text.trim() === '') return undefined;
  const said = text.trim();
  return {
    name: displayName(name),
    text: said.length > LENGTH ? `…${[...said.slice(-LENGTH)].slice(1).join('')}` : said,
  };
}

/** The newest of each speaker, the latest last. */
export const withCaption = (shown: readonly Caption[], caption: Caption): readonly Caption[] =>
  [...shown.filter(({ name }) => name !== caption.name), caption].slice(-SHOWN);

/** @returns what ends it */
export function followCaptions(call: Call, state: CallState): (() => void)[] {
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  const drop = (name: string) => {
    timers.delete(name);
    state.set({ captions: state.get().captions.filter((one) => one.name !== name) });
  };
  return [
    call.session.on('server-message', ({ topic, data }) => {
      const caption = readCaption(topic, data);
      if (!caption) return;
      state.set({ captions: withCaption(state.get().captions, caption) });
      clearTimeout(timers.get(caption.name));
      timers.set(
        caption.name,
        setTimeout(() => drop(caption.name), STAYS_MS),
      );
    }),
    () => {
      for (const timer of timers.values()) clearTimeout(timer);
    },
  ];
}
