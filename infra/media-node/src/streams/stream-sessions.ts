/** HTTP sessions of WHIP and WHEP that this node holds: their entity tags, their path, their end. */
import { randomBytes } from 'node:crypto';
import type { AccessClaims } from '@tandem/protocol';
import { ProblemError } from '@tandem/service';
import type { Candidate } from '../engine.ts';
import type { Fragment, IceCredentials } from './sdp.ts';

/** A connection of a client, as these sessions need it. */
export interface StreamConnection {
  /** Of the client, as it said them last. */
  readonly credentials: IceCredentials;
  candidate(candidate: Candidate | null): void;
  /** Search for a path anew. @returns the fragment that answers. Undefined: it cannot, and its session has no tag. */
  readonly restart?: (credentials: IceCredentials) => Promise<string>;
  end(why: string): void;
}

/** Who opened a session, and may change and end it. */
export type StreamOwner = Pick<AccessClaims, 'sub' | 'session_id' | 'jti' | 'iat' | 'exp'>;

interface StreamSession {
  readonly room: string;
  /** By the latest token that it has shown. */
  owner: StreamOwner;
  readonly connection: StreamConnection;
  /** Of the ICE session: a new one after each restart (RFC 9725 section 4.3.1). */
  etag: string | undefined;
  expiry: NodeJS.Timeout;
}

/** What a PATCH is answered with. */
export type PatchAnswer =
  | { readonly kind: 'taken' }
  | { readonly kind: 'restarted'; readonly etag: string; readonly fragment: string };

export interface StreamSessionsOptions {
  /** Of this node: part of a session's id, so that any node finds it. */
  readonly node: string;
  /** Most sessions at once. */
  readonly most: number;
}

const newTag = () => `"${randomBytes(9).toString('base64url')}"`;
/** Most sessions of one login at once, so that one viewer cannot have all of a node: a wall of screens has as many. */
export const MOST_OF_ONE = 16;
/** When a full node, or one that opens as many as it can, may be asked again, s. */
const RETRY_SECONDS = 2;
/** Of setTimeout, ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class StreamSessions {
  readonly #options: StreamSessionsOptions;
  readonly #sessions = new Map<string, StreamSession>();
  /** Whose session is being opened, each as often as there is one. */
  readonly #opening = new Set<{ readonly owner: StreamOwner }>();
  /** Why nothing is opened any more. */
  #closed: string | undefined;

  constructor(options: StreamSessionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /**
   * @param open gets the function to be called when the connection has ended by itself
   * @throws ProblemError 503 when the node has its number of sessions, or ends all, 429 when the login has; what `open` throws
   */
  async open<C extends StreamConnection>(
    room: string,
    owner: StreamOwner,
    open: (ended: () => void) => Promise<{ connection: C; answer: string }>,
  ): Promise<{ id: string; etag: string | undefined; answer: string }> {
    if (this.#closed !== undefined) throw ended(this.#closed);
    const there = [...this.#sessions.values(), ...this.#opening];
    if (there.filter((one) => isSameLogin(one.owner, owner)).length >= MOST_OF_ONE)
      throw new ProblemError(429, 'too_many_sessions', `Your login has ${MOST_OF_ONE} streams here: end one.`, {
        retryAfter: RETRY_SECONDS,
      });
    if (there.length >= this.#options.most)
      throw new ProblemError(503, 'busy', 'This node has as many streams as it takes; try again soon.', {
        retryAfter: RETRY_SECONDS,
      });
    const opening = { owner };
    this.#opening.add(opening);
    try {
      // Not to be guessed (RFC 9725 section 5).
      const id = `${this.#options.node}.${randomBytes(18).toString('base64url')}`;
      let isOver = false;
      const { connection, answer } = await open(() => {
        isOver = true;
        this.#forget(id);
      });
      if (this.#closed !== undefined) {
        connection.end(this.#closed);
        throw ended(this.#closed);
      }
      const etag = connection.restart ? newTag() : undefined;
      // It may have ended while its answer was made.
      if (!isOver) {
        this.#sessions.set(id, { room, owner, connection, etag, expiry: expire(connection, owner) });
      }
      return { id, etag, answer };
    } finally {
      this.#opening.delete(opening);
    }
  }

  /**
   * Candidates or a new path (RFC 9725 sections 4.3.2 and 4.3.3).
   * @param ifMatch the header
   * @throws ProblemError 404, 403, 428, 412
   */
  async patch(
    id: string,
    room: string,
    owner: StreamOwner,
    change: { ifMatch: string | undefined; fragment: Fragment },
  ): Promise<PatchAnswer> {
    const session = this.#find(id, room, owner);
    const { ifMatch, fragment } = change;
    // Only who can search anew has something to tell apart.
    if (ifMatch === undefined && session.etag !== undefined)
      throw new ProblemError(
        428,
        'precondition_required',
        'Send If-Match: the ETag of the session, or * for an ICE restart.',
        { field: 'if-match' },
      );
    const { connection } = session;
    const { credentials } = fragment;
    const isSamePath =
      credentials === undefined ||
      (credentials.ufrag === connection.credentials.ufrag && credentials.pwd === connection.credentials.pwd);
    // Candidates of the present path under `*` are no restart: some clients know no tag.
    if (isSamePath && (ifMatch === undefined || ifMatch === '*' || ifMatch === session.etag)) {
      for (const candidate of fragment.candidates) connection.candidate(candidate);
      return { kind: 'taken' };
    }
    if ((ifMatch !== undefined && ifMatch !== '*') || credentials === undefined)
      throw new ProblemError(
        412,
        'precondition_failed',
        'If-Match is not the ETag of this ICE session. For an ICE restart send *.',
        { field: 'if-match' },
      );
    if (!connection.restart)
      throw new ProblemError(422, 'no_restart', 'A new path is not searched for here: make a new session.');
    // One that fails leaves the path of before with its tag.
    const answer = await connection.restart(credentials);
    const etag = newTag();
    session.etag = etag;
    for (const candidate of fragment.candidates) connection.candidate(candidate);
    return { kind: 'restarted', etag, fragment: answer };
  }

  /** The session is there, and this owner's. @returns an object that is its own @throws ProblemError 404, 403 */
  check(id: string, room: string, owner: StreamOwner): object {
    return this.#find(id, room, owner);
  }

  /** @throws ProblemError 404, 403 */
  end(id: string, room: string, owner: StreamOwner): void {
    const session = this.#find(id, room, owner);
    this.#forget(id);
    session.connection.end('deleted');
  }

  /** Ends those of these owners. */
  endThoseOf(isMeant: (owner: StreamOwner) => boolean, why: string): void {
    for (const [id, { owner, connection }] of [...this.#sessions]) {
      if (!isMeant(owner)) continue;
      this.#forget(id);
      connection.end(why);
    }
  }

  /** Ends all of them for good, also what is being opened: as soon as it is open. */
  endAll(why: string): void {
    this.#closed = why;
    this.endThoseOf(() => true, why);
  }

  #forget(id: string): void {
    clearTimeout(this.#sessions.get(id)?.expiry);
    this.#sessions.delete(id);
  }

  #find(id: string, room: string, by: StreamOwner): StreamSession {
    const session = this.#sessions.get(id);
    if (session?.room !== room) throw new ProblemError(404, 'not_found', 'There is no such session (any more).');
    if (!isSameLogin(session.owner, by))
      throw new ProblemError(403, 'forbidden', 'This session was opened with another token.');
    // Who goes on watching has a newer token meanwhile: no session ends in the middle for an old one.
    if (by.exp > session.owner.exp) {
      clearTimeout(session.expiry);
      session.owner = by;
      session.expiry = expire(session.connection, by);
    }
    return session;
  }
}

const expire = (connection: StreamConnection, { exp }: StreamOwner): NodeJS.Timeout =>
  setTimeout(() => connection.end('token expired'), Math.min(exp * 1000 - Date.now(), LONGEST_TIMER_MS));

const ended = (why: string) =>
  new ProblemError(503, 'draining', `No session is opened any more: ${why}.`, { retryAfter: RETRY_SECONDS });

const isSameLogin = (a: StreamOwner, b: StreamOwner): boolean => a.sub === b.sub && a.session_id === b.session_id;
