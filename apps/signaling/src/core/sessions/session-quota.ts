/**
 * The sessions of a user over all nodes: one for each login session by a stated policy, and a limited number of them. A session is written
 * together with what it counts for (see Backplane.openSession).
 */
import { CLOSE_CODES } from '@tandem/protocol';
import type { ClaimResult, ClaimRule, SessionRecord } from '../../backplane/types.ts';
import type { BackplaneMonitor } from '../backplane-monitor.ts';
import type { NodeContext } from '../context.ts';
import { RefusalError } from '../errors.ts';
import type { Session } from '../model.ts';
import { identityKey } from './session-keys.ts';
import type { SessionTerminator } from './terminate.ts';

type Open = (rule: ClaimRule) => Promise<ClaimResult>;

export interface SessionQuotaParts {
  readonly context: NodeContext;
  readonly monitor: BackplaneMonitor;
  readonly terminator: SessionTerminator;
}

export class SessionQuota {
  readonly #context: NodeContext;
  readonly #monitor: BackplaneMonitor;
  readonly #terminator: SessionTerminator;
  constructor({ context, monitor, terminator }: SessionQuotaParts) {
    this.#context = context;
    this.#monitor = monitor;
    this.#terminator = terminator;
  }

  /**
   * Writes a new session if the quota has room for it.
   * @returns undefined if it had; otherwise a function that makes room by the policy and writes it then, or throws RefusalError
   *   `forbidden` or `too_many_sessions`
   * @throws UnavailableError
   */
  async open(session: Session, record: SessionRecord): Promise<(() => Promise<void>) | undefined> {
    const { backplane, settings } = this.#context;
    const rule: ClaimRule = {
      limit: settings.sessionsPerUser,
      ...(session.identity.grants.duplicate === 'reject' ? { expect: '' } : {}),
    };
    const open: Open = (asked) => backplane.openSession(record, identityKey(session), asked);
    const claim = await open(rule);
    if (claim.kind === 'ours' && (claim.previous ?? session.peerId) === session.peerId) return undefined;
    return () => this.#makeRoom(session, { claim, rule, open });
  }

  async #makeRoom(session: Session, first: { claim: ClaimResult; rule: ClaimRule; open: Open }): Promise<void> {
    let { rule } = first;
    for (let { claim } = first; ; claim = await first.open(rule)) {
      switch (claim.kind) {
        case 'full':
          if (await this.#releaseUnused(identityKey(session).userId, claim.others)) continue;
          throw new RefusalError('too_many_sessions', `A user may have ${rule.limit} sessions.`);
        case 'ours':
          if (claim.previous !== undefined && claim.previous !== session.peerId) await this.#replace(claim.previous);
          return;
        case 'held':
          await this.#replaceHolder(claim.by);
          rule = { ...rule, expect: claim.by };
          break;
        default:
          claim satisfies never;
      }
    }
  }

  /** @throws RefusalError `forbidden` if that session is connected */
  async #replaceHolder(peerId: string): Promise<void> {
    const holder = await this.#context.backplane.findSession(peerId);
    if (holder?.attached && (await this.#monitor.isLive(holder.node)))
      throw new RefusalError('forbidden', 'This identity is connected already.', {
        closeWith: CLOSE_CODES.duplicate.code,
      });
    await this.#replace(peerId);
  }

  /** Releases what sessions hold that are over, away, or on dead nodes. @returns whether there were any */
  async #releaseUnused(userId: string, peerIds: readonly string[]): Promise<boolean> {
    const { backplane } = this.#context;
    const released = await Promise.all(
      peerIds.map(async (peerId) => {
        const found = await backplane.findSession(peerId);
        if (found?.attached && (await this.#monitor.isLive(found.node))) return false;
        await backplane.release({ userId, loginSession: '' }, peerId);
        return true;
      }),
    );
    return released.includes(true);
  }

  async #replace(peerId: string): Promise<void> {
    await this.#terminator.expel({ peerId }, { close: 'replaced', left: 'replaced' });
  }

  /** Claims again what the store lost, or may lose soon, unless another session holds it by now. @throws UnavailableError */
  async claimAgain(session: Session): Promise<void> {
    await this.#context.backplane.claim(identityKey(session), session.peerId, { limit: 0, expect: '' });
  }
}
