/**
 * Faults that were in the product once, each as a change of its source while it is loaded: the simulation must find every one.
 *
 *     node --import ./test/simulation/mutate.ts test/simulation/run.ts 1 200      with MUTATION=<name>
 */
const core = 'apps/signaling/src/core/';
const backplane = 'apps/signaling/src/backplane/';

export interface Mutation {
  /** What was wrong. */
  readonly why: string;
  /** Per file: what is there, and what was there then. */
  readonly edits: readonly { readonly file: string; readonly now: string; readonly faulty: string }[];
}

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'give-up-is-goodbye': {
    why: 'a socket that was given up while its resume waited closed with 1000, and the server took that for a goodbye',
    edits: [
      {
        file: 'packages/rtc/src/link.ts',
        now: 'code === CLOSE_CODES.abnormal.code ? CLOSE_CODES.abandoned.code : code',
        faulty: 'code === CLOSE_CODES.abnormal.code ? 1000 : code',
      },
      {
        file: `${core}connection/connection.ts`,
        now: '(!this.#hasNotReadResumed() || this.#waiting?.hasLeave === true)',
        faulty: 'true',
      },
    ],
  },
  'stale-list': {
    why: 'the list of `resumed` was made before it was sent, and events overtook it',
    edits: [
      {
        file: `${core}sessions/resume.ts`,
        now: 'return { session, parked };',
        faulty: 'return { session, parked, peers: session.room.peers(peerId) };',
      },
      { file: `${core}connection/resume-handler.ts`, now: 'connection.hold();', faulty: 'let stale;' },
      {
        file: `${core}connection/resume-handler.ts`,
        now: 'const { session, parked } = await',
        faulty: 'const { session, parked, peers } = await',
      },
      {
        file: `${core}connection/resume-handler.ts`,
        now: 'connection.sendMessage(resumedMessage(context.name, connection, parked.length));',
        faulty: `connection.sendMessage({
          ...resumedMessage(context.name, connection, parked.length), version: 0, ...(peers ? { peers } : {}) });`,
      },
    ],
  },
  'writes-without-order': {
    why: 'of two writes of one owner the one that came last stayed',
    edits: [
      {
        file: `${backplane}types.ts`,
        now: 'return a.epoch > b.epoch || (a.epoch === b.epoch && a.order > b.order);',
        faulty: 'return a.epoch > b.epoch;',
      },
    ],
  },
  'lost-writes-stay-lost': {
    why: 'what the store lost of what a peer said of itself was never written again',
    edits: [
      {
        file: `${core}rooms/reconciler.ts`,
        now: 'return !isLater({ epoch: session.epoch, order: session.savedOrder }, stored);',
        faulty: 'return true;',
      },
      {
        file: `${core}rooms/room-replicas.ts`,
        now: 'const lost = isLater({ epoch: session.epoch, order: session.savedOrder }, record);',
        faulty: 'const lost = false;',
      },
    ],
  },
  'resume-with-old-metadata': {
    why: 'a session that resumed on another node got back what it said in its join',
    edits: [
      { file: `${core}sessions/resume.ts`, now: "isKnown ? {} : { info: 'present' }", faulty: '{}' },
      { file: `${core}sessions/resume.ts`, now: 'isKnown ? state : this.#adopt(session, state)', faulty: 'state' },
    ],
  },
  'silent-node': {
    why: 'a node that others took for dead left its sessions detached in the store, and they ended',
    edits: [
      { file: `${core}backplane-monitor.ts`, now: "this.#onStale('this node was silent');", faulty: '' },
      {
        file: `${core}rooms/room-replicas.ts`,
        now: "if (away && session.state.kind === 'attached') session.unsynced = true;",
        faulty: '',
      },
      {
        file: `${core}sessions/session-records.ts`,
        now: 'clock.now() - this.#comparedAt < settings.grace',
        faulty: 'true',
      },
    ],
  },
  'overtaken-resume': {
    why: 'a resume that was answered behind a later one took the session back',
    edits: [{ file: `${core}sessions/resume.ts`, now: 'local.epoch >= record.epoch', faulty: 'false' }],
  },
};
