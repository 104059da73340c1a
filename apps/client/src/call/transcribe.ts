/**
 * What I say, in words for the others: recognized by the browser on this device, so that no sound goes anywhere for it. Where the browser
 * cannot do that (November 2026: Chromium's desktop browsers can), there is none of it.
 */
import type { Call } from '@tandem/rtc';
import { preferences } from '../lib/preferences.ts';
import { localMedia } from '../media/local-media.ts';
import { CAPTION_LENGTH } from './captions.ts';
import type { CallState } from './state.ts';

interface Options {
  readonly langs: readonly string[];
  readonly processLocally: true;
}

/** What is used of the Web Speech API (W3C draft, "on-device speech recognition"); TypeScript has no types of it. */
interface Recognition extends EventTarget {
  lang: string;
  continuous: boolean;
  interimResults: boolean;
  processLocally: boolean;
  start(track: MediaStreamTrack): void;
  abort(): void;
}
interface RecognitionClass {
  new (): Recognition;
  available?(options: Options): Promise<'available' | 'downloadable' | 'downloading' | 'unavailable'>;
  install?(options: Options): Promise<boolean>;
}
type Heard = Event & { readonly results: ArrayLike<ArrayLike<{ readonly transcript: string }> & { isFinal: boolean }> };

/** While somebody speaks, the others get the newest words this often, ms. */
const TELL_MS = 600;
/** A recognizer that ended (silence ends it) begins again after this time, ms; one that ends at once must not spin. */
const AGAIN_MS = 500;
/** In a room of more others than this a backend has to make captions: each line is a message to each of them. */
export const MOST_TOLD = 24;

const recognizer = (): RecognitionClass | undefined =>
  (globalThis as { SpeechRecognition?: RecognitionClass }).SpeechRecognition;

/** The language of the page, with the region that the browser asks for. */
function options(): Options {
  const { lang } = document.documentElement;
  const [base] = lang.split('-');
  return { langs: [navigator.languages.find((tag) => tag.split('-')[0] === base) ?? lang], processLocally: true };
}

/** Can this device recognize the language of the page, now or after it has loaded what that takes? */
export async function canTranscribe(): Promise<boolean> {
  try {
    return ((await recognizer()?.available?.(options())) ?? 'unavailable') !== 'unavailable';
  } catch {
    return false;
  }
}

/** Loads what the language takes. @throws Error when it cannot be had */
async function install(Recognizer: RecognitionClass, wanted: Options): Promise<void> {
  const found = await Recognizer.available?.(wanted);
  if (found === 'available') return;
  if (found === undefined || found === 'unavailable' || !(await Recognizer.install?.(wanted)))
    throw new Error('speech is not recognized on this device');
}

/** Listens to one track. @returns what ends it */
function listen(
  make: () => Recognition,
  track: MediaStreamTrack,
  heard: (text: string, isFinal: boolean) => void,
  failed: (error: unknown) => void,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: Recognition | undefined;
  let ended = false;
  const begin = () => {
    const recognition = make();
    running = recognition;
    recognition.addEventListener('result', (event) => {
      const { results } = event as Heard;
      const last = results[results.length - 1];
      if (last && !ended) heard(last[0]?.transcript ?? '', last.isFinal);
    });
    recognition.addEventListener('error', (event) => {
      const { error } = event as Event & { error?: string };
      // Silence, or it was stopped: `end` follows.
      if (ended || error === 'no-speech' || error === 'aborted') return;
      ended = true;
      failed(error);
    });
    recognition.addEventListener('end', () => {
      if (!ended) timer = setTimeout(begin, AGAIN_MS);
    });
    try {
      recognition.start(track);
    } catch (error) {
      ended = true;
      failed(error);
    }
  };
  begin();
  return () => {
    ended = true;
    clearTimeout(timer);
    running?.abort();
  };
}

/** Tells the others, not at every syllable. */
function teller(call: Call): { tell: (text: string, isFinal: boolean) => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waiting = '';
  const say = () => {
    timer = undefined;
    const text = waiting.trim().slice(-CAPTION_LENGTH);
    waiting = '';
    if (text && call.peers.length <= MOST_TOLD) void call.send({ caption: text });
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
  const Recognizer = recognizer();
  if (!Recognizer) return () => {};
  let source: MediaStreamTrack | undefined;
  let stop = () => {};
  const { tell, stop: hush } = teller(call);
  // Not tried again before the switch or the microphone is used.
  const failed = () => {
    stop = () => {};
    state.notify('captions.failed');
  };
  const look = () => {
    const { audioTrack, muted } = localMedia.get();
    const wanted = preferences.get().captionMine && !muted ? audioTrack : undefined;
    if (wanted === source) return;
    stop();
    stop = () => {};
    source = wanted;
    if (!wanted) return;
    const asked = options();
    install(Recognizer, asked).then(
      () => {
        // Muted, or switched off, while it loaded.
        if (source !== wanted) return;
        const make = () =>
          Object.assign(new Recognizer(), {
            ...{ lang: asked.langs[0] ?? '', continuous: true, interimResults: true, processLocally: true },
          });
        stop = listen(make, wanted, tell, failed);
      },
      () => source === wanted && failed(),
    );
  };
  look();
  const undo = [preferences.subscribe(look), localMedia.subscribe(look)];
  return () => {
    for (const end of undo) end();
    source = undefined;
    stop();
    hush();
  };
}
