/** Where one track is recognized. Loaded when somebody wants captions of what they say. */
import { CAPTIONS_PATH } from '@tandem/protocol/captions';
import type { Call } from '@tandem/rtc';
import { loadRuntimeConfig, socketUrl } from '../lib/runtime-config.ts';
import { soundBlocks } from '../media/sound-blocks.ts';
import { captionWay, serviceLanguage } from './caption-way.ts';
import { recognizeHere } from './recognize-here.ts';
import { SoundGate } from './sound-gate.ts';
import { SpeechLine } from './speech-line.ts';

export interface Wanted {
  /** Recognition on this device was switched on. */
  readonly here: boolean;
  /** It was allowed to send the sound to the captions service. */
  readonly sent: boolean;
  readonly call: Call;
  /** Of an end-to-end encrypted call. */
  readonly secret: string | undefined;
  /** Asked after each wait. */
  isWanted(): boolean;
  /** Whether anybody would get the words. */
  isTold(): boolean;
  tell(text: string, isFinal: boolean): void;
  failed(): void;
  sayOnce(key: 'captions.encrypted' | 'captions.away'): void;
}

const nothing = () => {};

/**
 * Each way takes a consent of its own: who switched recognition on this device on has not allowed to send the sound away.
 * @returns what ends it
 * @throws Error when it cannot begin
 */
export async function recognize(track: MediaStreamTrack, wanted: Wanted): Promise<() => void> {
  const { here, sent, secret, isWanted, tell, failed, sayOnce } = wanted;
  const way = await captionWay(secret);
  if (!isWanted()) return nothing;
  // Without a recognizer of the browser it was never possible here, and the switch says so.
  if (here && (way === 'device' || 'SpeechRecognition' in globalThis))
    return recognizeHere(track, isWanted, tell, failed);
  if (sent && way === 'encrypted') sayOnce('captions.encrypted');
  return sent && way === 'service' ? recognizeThere(track, wanted) : nothing;
}

async function recognizeThere(track: MediaStreamTrack, wanted: Wanted): Promise<() => void> {
  const { call, isTold, isWanted, tell, sayOnce } = wanted;
  const config = await loadRuntimeConfig();
  const language = serviceLanguage(config) ?? '';
  const away = () => isWanted() && sayOnce('captions.away');
  const line = new SpeechLine({
    url: socketUrl(config.captionsUrl, `${CAPTIONS_PATH}?lang=${encodeURIComponent(language)}`),
    getToken: () => call.session.accessToken(),
    heard: (text, isFinal) => isWanted() && tell(text, isFinal),
    away,
  });
  const gate = new SoundGate();
  const take = (block: ArrayBuffer) => {
    if (isWanted() && isTold()) for (const one of gate.pass(block)) line.send(one);
  };
  const end = await soundBlocks(track, take, away);
  return () => {
    end();
    line.close();
  };
}
