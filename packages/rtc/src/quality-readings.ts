/** Reads the quality of every member at an interval, and reports it to the app and to the member. */
import type { CallEvents } from './call-types.ts';
import type { Chat } from './chat.ts';
import { type Clock, sleep } from './clock.ts';
import type { Member } from './member.ts';
import { myView } from './quality.ts';
import type { ReceiveLayers } from './sfu/receive-layers.ts';

export interface QualityReadingsHost {
  readonly clock: Clock;
  readonly members: ReadonlyMap<string, Member>;
  readonly chat: Chat;
  readonly layers: ReceiveLayers;
  emit<K extends 'quality' | 'grade'>(event: K, payload: CallEvents[K]): void;
}

export class QualityReadings {
  readonly #host: QualityReadingsHost;
  #timer: unknown;
  #stopped = false;

  constructor(host: QualityReadingsHost) {
    this.#host = host;
  }

  /** @param interval ms from the end of one reading to the next; 0: none */
  start(interval: number): void {
    if (interval > 0 && !this.#stopped)
      this.#timer = this.#host.clock.setTimeout(() => void this.#readAll(interval), interval);
  }

  stop(): void {
    this.#stopped = true;
    this.#host.clock.clearTimeout(this.#timer);
  }

  async #readAll(interval: number): Promise<void> {
    const all = [...this.#host.members.values()].map((member) => this.#read(member).catch(() => {}));
    // Firefox never settles getStats of a connection that closes meanwhile.
    await Promise.race([Promise.all(all), sleep(this.#host.clock, interval)]);
    this.start(interval);
  }

  async #read(member: Member): Promise<void> {
    const { chat, layers, emit } = this.#host;
    const quality = await member.measure();
    if (!quality || this.#stopped) return;
    member.quality = quality;
    if (member.served) layers.read(member.info.peerId, quality);
    chat.quality(member.info.peerId, myView(quality));
    emit('quality', { peer: member.view, quality });
    const grade = member.filter.push(quality.grade);
    if (grade) emit('grade', { peer: member.view, grade, trouble: quality.trouble });
  }
}
