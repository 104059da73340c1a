/**
 * Speech recognized by the browser on this device, so that no sound goes anywhere for it (November 2026: Chromium's desktop browsers can).
 */

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

/** A recognizer that ended (silence ends it) begins again after this time, ms; one that ends at once must not spin. */
const AGAIN_MS = 500;

const recognizer = (): RecognitionClass | undefined =>
  (globalThis as { SpeechRecognition?: RecognitionClass }).SpeechRecognition;

/** The language of the page, with the region that the browser asks for. */
export function recognitionOptions(): Options {
  const { lang } = document.documentElement;
  const [base] = lang.split('-');
  return { langs: [navigator.languages.find((tag) => tag.split('-')[0] === base) ?? lang], processLocally: true };
}

/** Can this device recognize the language of the page, now or after it has loaded what that takes? */
export async function canRecognizeHere(): Promise<boolean> {
  try {
    return ((await recognizer()?.available?.(recognitionOptions())) ?? 'unavailable') !== 'unavailable';
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

/**
 * Recognizes one track here, once what that takes has loaded.
 * @param isWanted asked after it has loaded: muted, or switched off, meanwhile
 * @returns what ends it
 * @throws Error when this device cannot
 */
export async function recognizeHere(
  track: MediaStreamTrack,
  isWanted: () => boolean,
  heard: (text: string, isFinal: boolean) => void,
  failed: (error: unknown) => void,
): Promise<() => void> {
  const Recognizer = recognizer();
  if (!Recognizer) throw new Error('speech is not recognized on this device');
  const asked = recognitionOptions();
  await install(Recognizer, asked);
  if (!isWanted()) return () => {};
  const make = () =>
    Object.assign(new Recognizer(), {
      ...{ lang: asked.langs[0] ?? '', continuous: true, interimResults: true, processLocally: true },
    });
  return listen(make, track, heard, failed);
}
