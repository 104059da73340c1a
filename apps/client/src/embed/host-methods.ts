/** What the page around the call may ask of it. */
import { displayName } from '@tandem/protocol/names';
import type { EmbedErrorCode } from '../../../../packages/embed/src/embed-error.ts';
import type { Methods } from '../../../../packages/embed/src/messages.ts';
import type { CallModel } from '../call/call-model.ts';
import { preferences } from '../lib/preferences.ts';
import { idOf, secretOf } from '../lib/room-name.ts';
import type { LocalMedia } from '../media/local-media.ts';

type EmbedCall = Pick<CallModel, 'get' | 'subscribe' | 'join' | 'leave' | 'cancelJoin' | 'toLobby'>;
type EmbedMedia = Pick<LocalMedia, 'prepare' | 'setMuted' | 'setCamera'>;

export class HostMethods {
  readonly #call: EmbedCall;
  readonly #media: EmbedMedia;
  /** Of the page around, whatever the address of this one says later. */
  readonly #room: string | undefined;
  readonly #secret: string | undefined;
  /** Counts `leave`: a `join` that still waits for camera and microphone is over then. */
  #leaves = 0;

  constructor(call: EmbedCall, media: EmbedMedia) {
    this.#call = call;
    this.#media = media;
    this.#room = idOf(new URLSearchParams(location.search).get('room') ?? '');
    this.#secret = secretOf(location.href);
  }

  /** @returns the code of what went wrong */
  async carryOut(method: unknown, value: unknown): Promise<EmbedErrorCode | undefined> {
    const call = this.#call;
    switch (method as keyof Methods) {
      case 'join':
        return this.#join();
      case 'leave':
        this.#leaves++;
        if (call.get().phase === 'joining') call.cancelJoin();
        else if (call.get().phase === 'call') call.leave();
        return undefined;
      case 'setAudio':
        if (typeof value !== 'boolean') return 'invalid';
        if (call.get().watching) return 'not_allowed';
        await this.#media.setMuted(!value);
        return undefined;
      case 'setVideo':
        if (typeof value !== 'boolean') return 'invalid';
        if (call.get().watching) return 'not_allowed';
        await this.#media.setCamera(value);
        return undefined;
      default:
        return 'invalid';
    }
  }

  async #join(): Promise<EmbedErrorCode | undefined> {
    const call = this.#call;
    const leaves = this.#leaves;
    const room = this.#room;
    const name = displayName(preferences.get().name);
    if (!name) return 'no_name';
    if (room === undefined) return 'invalid';
    if (call.get().phase === 'ended') call.toLobby();
    // A person may take a minute to say yes to the browser.
    await this.#media.prepare();
    if (leaves !== this.#leaves) return 'not_joined';
    void call.join(room, name, this.#secret);
    return new Promise((resolve) => {
      const settle = () => {
        const { phase } = call.get();
        if (phase === 'joining') return;
        stop();
        resolve(phase === 'call' ? undefined : 'not_joined');
      };
      const stop = call.subscribe(settle);
      settle();
    });
  }
}
