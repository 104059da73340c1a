import type { Move } from '@tandem/react';
import type { Call, SignalingSession } from '@tandem/rtc';
import type { Encryption } from '@tandem/rtc/encryption';
import { showAddress } from '../lib/room-name.ts';
import { localMedia } from '../media/local-media.ts';
import { endKind } from './end-kind.ts';
import { exposeCall } from './expose-call.ts';
import { QualityHistory } from './history.ts';
import { InCall } from './in-call.ts';
import { watchObstacle } from './obstacle.ts';
import { type CallReporter, INTERIM_MS, prepareReports, reportCall } from './report.ts';
import { initialState } from './state.ts';
import { TimeTogether } from './time-together.ts';
import type { CallModelState } from './types.ts';
import { type Following, followReadiness, unlessRefused, type Warm, warmUp } from './warm.ts';

/** A room that is full, or where a moderator decides, is asked again about this often, ms. */
const ASK_AGAIN_MS = 5000;

/** The call of this page: a thin model over the SDK that views can watch. */
export class CallModel extends InCall {
  history = new QualityHistory();
  #together = new TimeTogether();
  #reporter: CallReporter | undefined;
  #warm: Promise<Warm> | undefined;
  /** Counts joins and their ends: what an earlier one still waits for is of no use any more. */
  #attempt = 0;
  #undo: (() => void)[] = [];

  /** Begin everything that can begin before the room is known, with `token` if there is one. Safe to call again. */
  warm(token?: string): void {
    if (this.#warm) return void this.#readGrants(this.#warm).catch(() => {});
    this.set({ readiness: 'preparing' });
    const warm = warmUp(token);
    this.#warm = warm;
    void prepareReports();
    // Without a token nothing is known, and `ready` below says so.
    void this.#readGrants(warm).catch(() => {});
    followReadiness(warm, (now) => {
      if (this.#warm !== warm) return;
      this.set({ readiness: now === 'ready' ? now : 'failed' });
      // Who joins asks for it anew.
      if (now === 'lost') this.#warm = undefined;
    });
  }

  /** As the token says: what another room made of it stays there. Who only watches has no use for camera and microphone. */
  async #readGrants(warm: Promise<Warm>): Promise<void> {
    const { session, following } = await warm;
    const { publish, data } = following.readGrants(await session.accessToken());
    if (this.#warm !== warm) return;
    const watching = !publish && !this.get().speaks;
    this.set({ watching, writing: data });
    if (watching) localMedia.stop();
  }

  /** Never a new one: it may have ended because the same person goes on elsewhere. */
  async lobbySession(): Promise<SignalingSession | undefined> {
    return (await this.#warm)?.session;
  }

  /** @param secret of the room, from its link: end-to-end encryption @param speaks is seen and heard, which the room has allowed */
  async join(room: string, name: string, secret?: string, speaks = false): Promise<void> {
    const { phase } = this.get();
    if (phase === 'joining' || phase === 'call') return;
    const attempt = ++this.#attempt;
    this.set({ ...this.#kept(), phase: 'joining', room, name, secret, speaks });
    this.history = new QualityHistory();
    this.#together = new TimeTogether();
    this.#reporter = reportCall(this.history);
    performance.mark('tandem:join');
    await this.#tryJoin(attempt);
  }

  async #tryJoin(attempt: number): Promise<void> {
    try {
      const warm = await this.#warmed();
      if (attempt !== this.#attempt) return;
      const found = watchObstacle(warm.session, (obstacle) => this.set({ obstacle }));
      this.#undo.push(found);
      await this.#readGrants(this.#warm as Promise<Warm>).catch(unlessRefused);
      if (attempt === this.#attempt) await this.#enter(warm, attempt);
      found();
    } catch (error) {
      if (attempt !== this.#attempt) return;
      const { code } = error as { code?: string };
      if (code === 'room_full') return this.get().speaks ? this.#watchOn() : this.#waitForPlace('full');
      if (code === 'room_waiting') return this.#waitForPlace('waiting');
      this.#reporter?.refused(code ?? 'unavailable');
      this.#finish(code ?? 'unavailable', error instanceof Error ? error.message : String(error));
    }
  }

  /** Invited to speak where no place is left. */
  async #watchOn(): Promise<void> {
    const attempt = this.#release();
    this.set({ speaks: false });
    await this.#tryJoin(attempt);
    this.notify('audience.full');
  }

  /** A session that can be joined: the one from the lobby, unless it ended meanwhile. */
  async #warmed(): Promise<Warm> {
    this.warm();
    const warm = await (this.#warm as Promise<Warm>);
    if (warm.session.state !== 'closed') return warm;
    this.#warm = undefined;
    this.warm();
    return await (this.#warm as unknown as Promise<Warm>);
  }

  /** The room is full, or a moderator decides: ask again until one is in, or until the person stops it. */
  async #waitForPlace(obstacle: 'full' | 'waiting'): Promise<void> {
    const attempt = this.#release();
    this.set({ obstacle });
    const { session } = await this.#warmed();
    if (attempt !== this.#attempt) return;
    const admitted = await new Promise<boolean>((resolve) => {
      this.#undo.push(session.on('admission', (answer) => resolve(answer.admitted)));
      // With jitter: those who wait do not all ask at once when one place is free.
      setTimeout(resolve, ASK_AGAIN_MS * (0.75 + Math.random() / 2), true);
    });
    if (attempt !== this.#attempt) return;
    if (admitted) await this.#tryJoin(attempt);
    else this.#finish('not_admitted', '');
  }

  async #enter(warm: Warm, attempt: number): Promise<void> {
    const { room, name, secret } = this.get();
    const encryption = secret === undefined ? undefined : await this.#encrypt(warm.session, room, secret);
    if (attempt !== this.#attempt) return encryption?.close();
    if (encryption) this.#undo.push(() => encryption.close());
    const { iceTransportPolicy } = await warm.getConfig();
    if (attempt !== this.#attempt) return;
    const media = localMedia.get();
    const tracks = [media.audioTrack, media.videoTrack].filter((track) => track !== undefined);
    const prewarmed = warm.takePrewarmed();
    // One that was made before the keys sends what anybody can read.
    if (encryption) prewarmed.close();
    const call = new warm.sdk.Call({
      session: warm.session,
      ...(encryption ? { encryption } : { prewarmed }),
      roomId: room,
      getIceServers: warm.getIceServers,
      ...(this.get().watching ? { audience: true } : { stream: new MediaStream(tracks) }),
      metadata: { name, hand: false },
      iceTransportPolicy,
    });
    this.sdkCall = call;
    this.#follow(call, warm.following);
    await call.join();
    if (attempt !== this.#attempt) return;
    showAddress(room, secret);
    performance.mark('tandem:joined');
    const { keepAwake, mayNow, readGrants } = warm.following;
    const grants = readGrants(await call.session.accessToken().catch(() => undefined));
    if (attempt !== this.#attempt) return;
    const may = mayNow(this.get(), grants);
    this.set({ phase: 'call', obstacle: undefined, joinedAt: Date.now(), ...may });
    const interim = setInterval(() => this.#reporter?.interim(call.peers), INTERIM_MS);
    this.#undo.push(keepAwake(), () => clearInterval(interim));
  }

  async #encrypt(session: SignalingSession, roomId: string, secret: string): Promise<Encryption> {
    const { encryptCall } = await import('./encrypt.ts');
    return encryptCall({ session, roomId, secret, state: this, broken: () => this.#finish('cannot_encrypt', '') });
  }

  #follow(call: Call, { followCall, followMedia, watchLevels }: Following): void {
    this.#undo.push(
      ...followCall(call, {
        state: this,
        history: this.history,
        together: this.#together,
        reporter: this.#reporter as CallReporter,
        sharingClosed: () => this.sharingClosed(),
        stopShare: () => this.screen.stop(),
        silenced: () => this.stopSharedSound(),
        moved: (move) => void this.#goTo(move),
        ended: (reason, detail) => this.get().phase === 'call' && this.#finish(reason, detail),
      }),
      followMedia(call, this, () => {
        this.stopSharedSound();
        this.notify('call.soundNotShared');
      }),
      watchLevels(call, this, () => {
        this.toggleHand();
        this.notify('hands.lowered');
      }),
    );
  }

  leave(): void {
    this.#finish('left', '');
  }

  /** Stop joining: back to the lobby, with camera and microphone as they are. */
  cancelJoin(): void {
    const { phase, obstacle } = this.get();
    if (phase !== 'joining') return;
    this.#reporter?.refused(
      obstacle === 'full' ? 'room_full' : obstacle === 'waiting' ? 'not_admitted' : 'unavailable',
    );
    // The moderators see at once that I wait no more.
    if (obstacle === 'waiting') this.#endSession();
    this.#release();
    this.#reporter?.send();
    this.set(this.#kept());
    this.warm();
  }

  /** What outlasts a call. */
  #kept(): CallModelState {
    const { layout, readiness, watching } = this.get();
    return { ...initialState, layout, readiness, watching };
  }

  #endSession(): void {
    void this.#warm?.then(({ session }) => session.close()).catch(() => {});
    this.#warm = undefined;
  }

  /** Lets go of the call and of all that watches it. @returns the number of the next attempt */
  #release(): number {
    const next = ++this.#attempt;
    const call = this.sdkCall;
    this.sdkCall = undefined;
    call?.leave();
    for (const undo of this.#undo.splice(0)) undo();
    this.screen.stop();
    return next;
  }

  #finish(code: string | undefined, detail: string): void {
    const duration = this.#together.total(Date.now());
    const session = this.sdkCall?.session;
    this.#letGo();
    const end = endKind(code);
    this.set({ end, detail, duration, obstacle: undefined, peers: [], panel: undefined });
    localMedia.stop();
    // A session that ended for good cannot be joined again.
    if (session?.state === 'closed' || end === 'failed') {
      session?.close();
      this.#warm = undefined;
    }
  }

  /** The backend sent me to another room: there under the same name, with the secret of the link and camera and microphone as they are. */
  async #goTo({ roomId, token }: Move): Promise<void> {
    const { phase, name, secret } = this.get();
    if (phase !== 'call') return;
    this.endRehearsal();
    this.#letGo();
    // The session ended with the room.
    this.#warm = undefined;
    this.warm(token);
    await this.join(roomId, name, secret);
    const now = this.get();
    if (now.phase === 'call' && now.room === roomId) this.notify('call.moved', { room: roomId });
  }

  /** Out of this call. The pairs end first: their last events still reach the report. */
  #letGo(): void {
    this.set({ phase: 'ended' });
    this.#release();
    this.#reporter?.send();
  }

  /** A moderator has invited me, and I accept: into the same room, to be seen and heard as I have just looked at myself (S-39). */
  async speak(): Promise<void> {
    const { phase, room, name, secret, invited } = this.get();
    if (phase !== 'call' || !invited) return;
    this.#letGo();
    this.set({ watching: false, rehearsing: false });
    await this.join(room, name, secret, true);
  }

  /** The page goes away. */
  goodbye(): void {
    const session = this.sdkCall?.session;
    if (this.get().phase === 'call') this.#finish('left', '');
    session?.close();
  }

  toLobby(): void {
    this.set({ ...this.#kept(), ...(this.#warm ? {} : { readiness: 'preparing' }) });
    this.warm();
  }

  /** Into the same room under the same name, in one step. */
  rejoin(): void {
    const { room, name, secret } = this.get();
    this.toLobby();
    void this.join(room, name, secret);
  }
}

export const call = new CallModel();

exposeCall(call);
