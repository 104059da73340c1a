/** Wires the parts of a node. Calls upward are callbacks: each part imports only those below it. */
import { ignoreUnavailable } from '../backplane/types.ts';
import { BackplaneMonitor } from './backplane-monitor.ts';
import type { HandlerParts } from './connection/call.ts';
import type { NodeContext } from './context.ts';
import type { NodeControl } from './messaging/control-messages.ts';
import { Inbox } from './messaging/inbox.ts';
import { Outbox } from './messaging/outbox.ts';
import { Parking } from './messaging/parking.ts';
import { Router } from './messaging/router.ts';
import { MembershipRepair } from './rooms/membership-repair.ts';
import { MembershipWriter } from './rooms/membership-writer.ts';
import { PendingRemovals } from './rooms/pending-removals.ts';
import { Reconciler } from './rooms/reconciler.ts';
import { repeatMetadata } from './rooms/replace-metadata.ts';
import { RoomReplicas } from './rooms/room-replicas.ts';
import { showGrants } from './rooms/show-grants.ts';
import { SessionJoiner } from './sessions/join.ts';
import { SessionResumer } from './sessions/resume.ts';
import { RoomAdmin } from './sessions/room-admin.ts';
import { RoomCloser } from './sessions/room-closer.ts';
import { RoomEntries } from './sessions/room-entries.ts';
import { SessionQuota } from './sessions/session-quota.ts';
import { SessionRecords } from './sessions/session-records.ts';
import { SessionRegistry } from './sessions/session-registry.ts';
import { Takeover } from './sessions/takeover.ts';
import { SessionTerminator } from './sessions/terminate.ts';

export interface NodeParts extends HandlerParts {
  readonly monitor: BackplaneMonitor;
  readonly outbox: Outbox;
  readonly reconciler: Reconciler;
  readonly admin: RoomAdmin;
  /** What the node does every `sweepInterval` about its sessions and rooms. */
  sweep(): Promise<void>;
}

export function composeNode(context: NodeContext): NodeParts {
  const registry = new SessionRegistry(context);
  const outbox = new Outbox({
    ...{ node: context.name, clock: context.clock, backplane: context.backplane, counters: context.counters },
    undelivered: (node, entries, reason) => {
      router.undelivered(node, entries, reason);
      reconciler.resyncNode(node);
    },
  });
  const replicas = new RoomReplicas(context, registry, {
    onMissing: (room, session) => repair.restore(room, session),
    onOutdated: (session) => writer.put(session),
    onContested: (session, record) => repair.contest(session, record),
    onExpired: (room) => reconciler.readWhole(room),
    onStale: (room) => reconciler.resync(room, { whole: true }),
    onGranted: (session) => context.track(showGrants({ context, replicas, writer }, session)),
    onRestricted: (session) => void repeatMetadata({ replicas, writer }, session),
  });
  const pending = new PendingRemovals(context, registry, {
    removeMember: (removal) => writer.drop(removal),
    removeRecord: (session) => records.remove(session),
  });
  const monitor = new BackplaneMonitor(context, {
    onBatch: (batch) => inbox.onBatch(batch),
    recover: () => writeAgain(pending, records),
    onStale: () => reconciler.resyncAll(),
    onLiveNodes: (live) => repair.detachFromDeadNodes(live),
  });
  const records = new SessionRecords({
    ...{ context, registry, monitor },
    observer: {
      onFenced: (peerId, epoch) => terminator.fence(peerId, epoch),
      onTakenOver: (session) => repair.repair(session),
      onUnanswered: (peerId) => takeover.onUnanswered(peerId),
    },
  });
  const parking = new Parking({ context, registry, outbox });
  const router = new Router({ context, registry, outbox, parking, rooms: replicas.rooms });
  const writer = new MembershipWriter({ context, registry, replicas, outbox, pending });
  const terminator = new SessionTerminator({ context, registry, replicas, writer, records, pending, outbox });
  const closer = new RoomCloser({ context, replicas, terminator });
  const quota = new SessionQuota({ context, monitor, terminator });
  const repair = new MembershipRepair({ context, registry, monitor, replicas, writer, records, terminator, quota });
  const reconciler = new Reconciler({ context, registry, replicas, repair });
  const takeover = new Takeover({ context, registry, monitor, records, repair, outbox });
  const entries = new RoomEntries({ context, registry, writer, outbox });
  const joiner = new SessionJoiner({
    ...{ context, registry, quota, records, writer, pending, terminator, takeover, entries },
  });
  const resumer = new SessionResumer({
    ...{ context, registry, replicas, writer, pending, quota, outbox, parking, terminator, takeover, repair },
  });
  const inbox = createInbox(context, { router, reconciler, terminator, takeover, entries });
  const sweep = () => sweepNode(context, { pending, takeover, records, reconciler, closer, inbox, outbox });
  const parts = { context, registry, replicas, writer, router, parking, joiner, resumer, terminator, closer, entries };
  return { ...parts, monitor, outbox, reconciler, admin: new RoomAdmin(parts), sweep };
}

/** What of the one cannot be written yet keeps the other from nothing. @throws UnavailableError */
async function writeAgain(pending: PendingRemovals, records: SessionRecords): Promise<void> {
  const [flushed] = await Promise.allSettled([pending.flush()]);
  await records.syncAll();
  if (flushed.status === 'rejected') throw flushed.reason;
}

interface SweptParts {
  readonly pending: PendingRemovals;
  readonly takeover: Takeover;
  readonly records: SessionRecords;
  readonly reconciler: Reconciler;
  readonly closer: RoomCloser;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
}

/** Retries what waited for the backplane, compares rooms with it, ends rooms that are due and forgets dead nodes. */
async function sweepNode(context: NodeContext, parts: SweptParts): Promise<void> {
  const { pending, takeover, records, reconciler, closer, inbox, outbox } = parts;
  await pending.flush().catch(ignoreUnavailable);
  await takeover.resolve().catch(ignoreUnavailable);
  await records.compareDue().catch(ignoreUnavailable);
  await reconciler.compareAll();
  await closer.endDue();
  for (const node of inbox.forgetDead(context.liveNodes)) outbox.forget(node);
}

interface ControlReceivers {
  readonly terminator: SessionTerminator;
  readonly takeover: Takeover;
  readonly reconciler: Reconciler;
  readonly entries: RoomEntries;
}

/** What other nodes send goes to the part that it is for. */
function createInbox(context: NodeContext, receivers: ControlReceivers & { readonly router: Router }): Inbox {
  const { router, reconciler } = receivers;
  return new Inbox(context, {
    relay: (peerId, frame) => router.fromNode(peerId, frame),
    room: (roomId, frame) => router.roomFromNode(roomId, frame),
    control: (message) => onControl(receivers, message),
    missed: (node) => reconciler.resyncNode(node),
  });
}

/** A message of another node. One of a newer version may have a type that this one does not know: it is about a room, and checked there. */
function onControl({ terminator, takeover, reconciler, entries }: ControlReceivers, message: NodeControl): void {
  switch (message.t) {
    case 'fence':
      terminator.fence(message.peerId, message.epoch);
      return;
    case 'end':
      terminator.onEnd(message);
      return;
    case 'keep':
      takeover.onKeep(message.peerId, message.epoch);
      return;
    case 'put':
    case 'drop':
      reconciler.onControl(message);
      return;
    case 'entry':
      reconciler.onEntry(message);
      return;
    case 'admission':
      entries.onAdmission(message);
      return;
    default:
      // A type of a newer version of this program.
      message satisfies never;
  }
}
