/** Composition of a call: makes its parts and gives each what it needs. */
import type { CallEvents, CallOptions } from './call-types.ts';
import { Chat } from './chat.ts';
import { type Clock, coalesced, systemClock } from './clock.ts';
import { ConnectionSetup } from './connection-setup.ts';
import { IceServers } from './ice-servers.ts';
import { LocalMedia } from './local-media.ts';
import type { Member } from './member.ts';
import { PairFactory } from './pair-factory.ts';
import type { Slot } from './pair-types.ts';
import { PrewarmedConnection } from './prewarmed-connection.ts';
import { QualityReadings } from './quality-readings.ts';
import { Roster } from './roster.ts';
import { ServedMembers } from './served-members.ts';
import { VideoLimits } from './video-limits.ts';

/** What the parts need of their call. */
export interface CallPartsHost {
  emit<K extends keyof CallEvents>(event: K, payload: CallEvents[K]): void;
  /** My display name. */
  name(): string;
  isOver(): boolean;
  /** A track of mine ended by itself. */
  trackEnded(slot: Slot): void;
}

export type CallParts = ReturnType<typeof createCallParts>;

export function createCallParts(options: CallOptions, host: CallPartsHost) {
  const { session, clock = systemClock, getIceServers, times, encryption } = options;
  const { emit, isOver } = host;
  const members = new Map<string, Member>();
  const localMedia = new LocalMedia(options.audience ? null : options.stream, host.trackEnded);
  const senders = () => [...members.values()].filter(({ info }) => !info.audience).length + 1;
  const cap = () => localMedia.cap([...members.values()], senders());
  const ice = new IceServers(
    // The token is asked for once, for the socket and for this.
    async () => (getIceServers ? getIceServers({ token: await session.accessToken() }) : []),
    clock,
    (error) => emit('ice-servers-failed', { error }),
  );
  const trusts = (peerId: string, connection: RTCPeerConnection) => encryption?.trusts(peerId, connection) ?? true;
  const expects = (peerId: string, track: MediaStreamTrack) => encryption?.expects(peerId, track);
  const chat = createChat(options, host, { clock, members, trusts, cap });
  const shared = {
    clock,
    session,
    audience: options.audience ?? false,
    emit,
    isOver,
    members,
    localMedia,
    ice,
    chat,
    times,
    trusts,
    expects,
    setup: new ConnectionSetup(options, ice),
    limits: new VideoLimits(),
    prewarmed: options.prewarmed ?? new PrewarmedConnection(options.RTCPeerConnection ?? encryption?.RTCPeerConnection),
    cap,
    // Not in the turn of a negotiation, which would wait for it.
    capSoon: coalesced(clock, 0, cap),
    /** The media path with `member` is up. */
    connected: (member: Member) => {
      member.timing('connected');
      roster.succeed(member);
      cap();
    },
  };
  const pairs = new PairFactory(shared);
  const served = new ServedMembers({ ...shared, pairs });
  const roster = new Roster({ ...shared, pairs, served, sfu: served.sfu });
  const readings = new QualityReadings({ ...shared, layers: served.sfu.layers });
  return { ...shared, sfu: served.sfu, roster, readings };
}

interface ChatNeeds {
  readonly clock: Clock;
  readonly members: ReadonlyMap<string, Member>;
  trusts(peerId: string, connection: RTCPeerConnection): boolean;
  cap(): void;
}

function createChat({ session, encryption }: CallOptions, host: CallPartsHost, needs: ChatNeeds): Chat {
  const { members, trusts } = needs;
  return new Chat({
    ...needs,
    emit: host.emit,
    channel: (peerId) => {
      const pair = members.get(peerId)?.pair;
      return pair && trusts(peerId, pair.connection) ? pair.channel : undefined;
    },
    signal: async (peerId, message) => {
      const data = encryption ? await encryption.seal(peerId, message) : message;
      return data === undefined ? { ok: false, reason: 'refused' } : session.sendTo(peerId, 'message', { data });
    },
    // Sealed is a message for one peer alone.
    once: (data, peerId) => !encryption && session.sendOnce(data, peerId),
    me: () => ({ peerId: session.peerId ?? '', name: host.name() }),
  });
}
