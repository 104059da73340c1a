/**
 * The places of a user: one session for each login session by a stated policy, and a limited number of them, over all nodes. A session
 * is written together with its places (see Backplane.openSession).
 */
import { CLOSE_CODES } from '@tandem/protocol';
import type { ClaimResult, ClaimRule, IdentityKey, SessionRecord } from '../backplane/types.ts';
import { Refusal } from './errors.ts';
import { quotaUser } from './identity.ts';
import type { SignalingNode } from './node.ts';
import type { Session } from './session.ts';

export function identityKey({ identity: { userId, loginSession, grants }, guest }: Session): IdentityKey {
  return { userId: quotaUser(userId, guest), loginSession: grants.duplicate === 'allow' ? '' : loginSession };
}

export class Places {
  readonly #node: SignalingNode;
  constructor(node: SignalingNode) {
    this.#node = node;
  }

  /**
   * Writes a fresh session if its place is free.
   * @returns `at once`, or what makes its place free by the policy and writes it then, or throws Refusal `forbidden`, `too_many_sessions`
   */
  async open(session: Session, record: SessionRecord): Promise<'at once' | (() => Promise<void>)> {
    const { backplane, settings } = this.#node;
    const rule: ClaimRule = {
      limit: settings.sessionsPerUser,
      ...(session.identity.grants.duplicate === 'reject' ? { expect: '' } : {}),
    };
    const open = (asked: ClaimRule) => backplane.openSession(record, identityKey(session), asked);
    const claim = await open(rule);
    if (claim.kind === 'ours' && (claim.previous ?? session.peerId) === session.peerId) return 'at once';
    return () => this.#free(session, claim, rule, open);
  }

  async #free(
    session: Session,
    first: ClaimResult,
    asked: ClaimRule,
    open: (rule: ClaimRule) => Promise<ClaimResult>,
  ): Promise<void> {
    const { backplane } = this.#node;
    let rule = asked;
    for (let claim = first; ; claim = await open(rule)) {
      if (claim.kind === 'full') {
        if (await this.#freeOf(identityKey(session).userId, claim.others)) continue;
        throw new Refusal('too_many_sessions', `A user may have ${rule.limit} sessions.`);
      }
      if (claim.kind === 'ours') {
        if (claim.previous !== undefined && claim.previous !== session.peerId) await this.#replace(claim.previous);
        return;
      }
      const holder = await backplane.findSession(claim.by);
      if (holder?.attached && (await this.#node.isLive(holder.node)))
        throw new Refusal('forbidden', 'This identity is connected already.', {
          closeWith: CLOSE_CODES.duplicate.code,
        });
      await this.#replace(claim.by);
      rule = { ...rule, expect: claim.by };
    }
  }

  /** Takes places back from sessions that are over, away, or on dead nodes. @returns whether there were any */
  async #freeOf(userId: string, peerIds: readonly string[]): Promise<boolean> {
    const { backplane } = this.#node;
    const freed = await Promise.all(
      peerIds.map(async (peerId) => {
        const found = await backplane.findSession(peerId);
        if (found?.attached && (await this.#node.isLive(found.node))) return false;
        await backplane.release({ userId, loginSession: '' }, peerId);
        return true;
      }),
    );
    return freed.includes(true);
  }

  async #replace(peerId: string): Promise<void> {
    const { backplane, sessions } = this.#node;
    const ended = await backplane.endSession(peerId);
    if (ended) await sessions.expelled({ peerId, ...ended }, 'replaced', 'replaced');
  }

  /** After the store lost them, or may soon: unless somebody else took them meanwhile. */
  async claimAgain(session: Session): Promise<void> {
    await this.#node.backplane.claim(identityKey(session), session.peerId, { limit: 0, expect: '' });
  }

  /** Gives both back. */
  async release(session: Session): Promise<void> {
    await this.#node.backplane.release(identityKey(session), session.peerId);
  }
}
