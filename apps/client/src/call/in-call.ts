import { ScreenShare } from '@tandem/react';
import type { Call, SignalingSession } from '@tandem/rtc';
import { preferences } from '../lib/preferences.ts';
import { localMedia } from '../media/local-media.ts';
import { isAddresseeGone, mayChat, mayShare } from './permitted.ts';
import { chatWait } from './sender-pace.ts';
import { CallState } from './state.ts';
import type { CallModelState, Draft, Incoming, ReactionKind } from './types.ts';

/** What the SDK takes, bytes. */
const MAX_FILE_BYTES = 5 * 1024 * 1024;

const INCOMING_LINES: Record<Incoming, number | undefined> = { auto: undefined, low: 180, off: 0 };

/** Whom it is about is not there any more, nor waits. */
const isGone = (error: unknown): boolean => (error as { code?: unknown }).code === 'unknown_peer';

/** What people do in a call. */
export class InCall extends CallState {
  /** The SDK's call, for tests and diagnostics. */
  sdkCall: Call | undefined;
  protected readonly screen = new ScreenShare({
    current: () => (this.get().phase === 'call' ? this.sdkCall : undefined),
    allowed: () => this.#mayShare(),
    changed: (shared) => this.set({ sharing: shared?.picture, sharedSound: shared?.sound }),
  });

  async toggleScreen(): Promise<void> {
    if (this.get().sharing === undefined && !this.#mayShare()) return;
    await this.screen.toggle();
  }

  /** Says so where I may not. */
  #mayShare(): boolean {
    const may = mayShare(this.get());
    if (!may) this.notify(this.get().watching ? 'call.grants' : 'host.shareClosed');
    return may;
  }

  /** Switches to the device that was plugged in. */
  takeOffer(): void {
    const { offer } = this.get();
    this.set({ offer: undefined });
    for (const { kind, deviceId } of offer?.devices ?? []) void localMedia.chooseDevice(kind, deviceId);
  }

  /** Moderators alone may share now. */
  protected sharingClosed(): void {
    if (this.get().sharing === undefined) return;
    this.screen.stop();
    this.notify('host.shareClosed');
  }

  /** The shared picture goes on without its sound. */
  stopSharedSound(): void {
    this.screen.stopSound();
  }

  /** @param sharedVolume 0 to 1 */
  setSharedVolume(sharedVolume: number): void {
    this.set({ sharedVolume });
  }

  toggleHand(): void {
    const hand = !this.get().hand;
    const handAt = Date.now();
    this.set({ hand, handAt });
    this.sdkCall?.setMetadata({ name: this.get().name, ...(hand ? { hand, handAt } : {}) });
  }

  /** Changes what I write in the chat, or to whom. */
  write(change: Partial<Draft>): void {
    this.set({ draft: { ...this.get().draft, ...change } });
  }

  /** @returns whether what I wrote went out. Otherwise it stays */
  sendDraft(): boolean {
    const { text, to } = this.get().draft;
    const clean = text.trim().slice(0, 2000);
    if (!clean || !mayChat(this.get()) || isAddresseeGone(this.get())) return false;
    const sentAt = performance.now();
    if (chatWait(this.get(), sentAt) > 0) return false;
    this.sdkCall?.chat(clean, to?.id);
    this.write({ text: '', sentAt });
    return true;
  }

  /** To whom I write. Says so when it is too large, or when somebody could not get it. */
  async sendFile(file: File): Promise<void> {
    const call = this.sdkCall;
    if (!call || file.size === 0 || !mayChat(this.get()) || isAddresseeGone(this.get())) return;
    if (file.size > MAX_FILE_BYTES) return this.notify('chat.fileTooLarge', { size: MAX_FILE_BYTES / 1024 / 1024 });
    const { to } = this.get().draft;
    const { addLine } = await import('./follow-chat.ts');
    // The call ended meanwhile: the line would be one of the next.
    if (this.sdkCall !== call) return;
    const only = to === undefined ? {} : { only: to };
    const shown = { name: file.name, size: file.size, url: URL.createObjectURL(file) };
    const line = { id: shown.url, peerId: 'me', name: this.get().name, text: '', shownAt: Date.now(), mine: true };
    addLine(this, { ...line, ...only, file: shown });
    const sent = await call.sendFile(file, file.name, to?.id);
    const missed = [...sent.values()].filter((ok) => !ok).length;
    if (missed > 0 && this.sdkCall === call) this.notify('chat.fileMissed', { count: missed });
  }

  react(kind: ReactionKind): void {
    this.sdkCall?.react(kind);
    this.float(kind, this.get().name || preferences.get().name);
  }

  /** How much of the others' pictures comes in. `off` leaves voices and screens. */
  setIncoming(incoming: Incoming): void {
    this.set({ incoming });
    this.sdkCall?.limitVideo(INCOMING_LINES[incoming]);
  }

  /** For a line that carries little: no camera pictures either way. The next visit may have a better one. */
  audioOnly(): void {
    this.setIncoming('off');
    void localMedia.setCamera(false, 'call');
  }

  /** @param volume 0 (not heard by me) to 1 */
  setVolume(peerId: string, volume: number): void {
    this.set({ volumes: { ...this.get().volumes, [peerId]: volume } });
  }

  /** Asks the server for something, mostly by the grant `kick`; says so when it is refused. @returns whether it was done */
  async moderate(ask: (session: SignalingSession) => Promise<void>): Promise<boolean> {
    const session = this.sdkCall?.session;
    if (!session) return false;
    try {
      await ask(session);
      return true;
    } catch (error) {
      if (this.sdkCall?.session === session && !isGone(error)) this.notify('host.failed');
      return false;
    }
  }

  /** The same for several people: who is gone, or was let in by another moderator, is no failure. */
  async moderateEach(
    ids: readonly string[],
    ask: (session: SignalingSession, id: string) => Promise<void>,
  ): Promise<void> {
    await this.moderate(async (session) => {
      const done = await Promise.allSettled(ids.map((id) => ask(session, id)));
      const failed = done.find((one) => one.status === 'rejected' && !isGone(one.reason));
      if (failed?.status === 'rejected') throw failed.reason;
    });
  }

  /** A moderator lets me speak: I see and hear myself before anybody else does. */
  rehearse(): void {
    if (!this.get().invited) return;
    this.set({ rehearsing: true });
    void localMedia.start();
  }

  /** Back to the question, with camera and microphone closed. */
  endRehearsal(): void {
    if (!this.get().rehearsing) return;
    localMedia.stop();
    this.set({ rehearsing: false });
  }

  /** I do not want to speak now: my hand goes down, and a moderator may ask me again. */
  async declineInvite(): Promise<void> {
    this.endRehearsal();
    this.set({ invited: false });
    if (this.get().hand) this.toggleHand();
    await this.moderate((session) => session.grant(session.peerId ?? '', { publish: false }));
  }

  async muteAll(): Promise<void> {
    const ids = this.get()
      .peers.filter(({ audio }) => audio)
      .map(({ id }) => id);
    await this.moderateEach(ids, (session, id) => session.requestMute(id, 'audio'));
  }

  /** Opens a panel; the one that is open closes. */
  openPanel(panel: CallModelState['panel']): void {
    this.showPanel(this.get().panel === panel ? undefined : panel);
  }

  /** Opens a panel, or leaves it open. Of all of them the chat alone shows what is unread. */
  showPanel(panel: CallModelState['panel']): void {
    this.set({ panel, ...(panel === 'chat' ? { unread: 0 } : {}) });
  }

  nextLayout(): void {
    const order = ['auto', 'grid', 'spotlight'] as const;
    this.set({ layout: order[(order.indexOf(this.get().layout) + 1) % order.length] ?? 'auto' });
  }
}
