/** The sessions of this node by peer id, and which of them have a write under way. */
import { MEDIA_PREFIX, userTag } from '../../backplane/types.ts';
import type { NodeContext } from '../context.ts';
import { guestKey, type Identity, quotaUser } from '../identity.ts';
import type { ClientSocket, Session } from '../model.ts';

export class SessionRegistry {
  readonly #context: NodeContext;
  readonly #byId = new Map<string, Session>();
  /** Number of writes under way for each session: the sweep must not take them for ghosts. */
  readonly #busy = new Map<string, number>();
  /** Of those, the ones that were ended meanwhile, as another node says. */
  readonly #endedWhileBusy = new Set<string>();
  constructor(context: NodeContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#byId.size;
  }
  get(peerId: string): Session | undefined {
    return this.#byId.get(peerId);
  }
  all(): Iterable<Session> {
    return this.#byId.values();
  }
  add(session: Session): void {
    this.#byId.set(session.peerId, session);
  }

  isBusy(peerId: string): boolean {
    return this.#busy.has(peerId);
  }
  /** Writes under way for that session. */
  busyCount(peerId: string): number {
    return this.#busy.get(peerId) ?? 0;
  }
  async whileBusy<T>(peerId: string, work: () => Promise<T>): Promise<T> {
    this.#busy.set(peerId, this.busyCount(peerId) + 1);
    try {
      return await work();
    } finally {
      const left = (this.#busy.get(peerId) ?? 1) - 1;
      if (left > 0) this.#busy.set(peerId, left);
      else {
        this.#busy.delete(peerId);
        this.#endedWhileBusy.delete(peerId);
      }
    }
  }

  /** A session was ended that is not here (any more): a resume of it may be under way. */
  noteEnd(peerId: string): void {
    if (this.isBusy(peerId)) this.#endedWhileBusy.add(peerId);
  }
  /** Whether it was ended since the write that is under way began. */
  wasEnded(peerId: string): boolean {
    return this.#endedWhileBusy.has(peerId);
  }

  /** A new session on a new socket. Nothing is stored before it joins a room. */
  create(identity: Identity, connection: ClientSocket): Session {
    const { clock } = this.#context;
    const guest = guestKey(identity);
    // Written out: the fields of a spread object lie outside the session, which is memory and time for each.
    const session: Session = {
      peerId: `${identity.grants.media ? MEDIA_PREFIX : ''}${clock.randomId(9)}${userTag(quotaUser(identity.userId, guest))}`,
      secret: clock.randomId(18),
      identity,
      tokenGrants: identity.grants,
      granted: '',
      guest,
      epoch: 1,
      state: { kind: 'attached', connection },
      metadata: identity.name === undefined ? undefined : { name: identity.name },
      room: undefined,
      asksAt: undefined,
      joinedAt: undefined,
      parking: false,
      order: 0,
      savedOrder: 0,
      unsynced: false,
    };
    this.add(session);
    return session;
  }

  /** The session has ended here; nothing is written. */
  forget(session: Session): void {
    if (session.state.kind === 'detached') this.#context.clock.clearTimeout(session.state.grace);
    session.state = { kind: 'ended' };
    this.#byId.delete(session.peerId);
  }

  /** Stops the grace timers of all sessions: the node ends. */
  stop(): void {
    for (const { state } of this.all()) if (state.kind === 'detached') this.#context.clock.clearTimeout(state.grace);
  }
}
