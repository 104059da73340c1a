import { followMove, type Move, viewOf } from '@tandem/react';
import type { Call, RemotePeer } from '@tandem/rtc';
import { look } from '../lib/look-store.ts';
import type { Feature } from '../look.ts';
import { localMedia } from '../media/local-media.ts';
import { followCaptions } from './captions.ts';
import { connectionHealth } from './connection-health.ts';
import { followGrants } from './follow-backend.ts';
import { followChat } from './follow-chat.ts';
import { followNetwork } from './follow-network.ts';
import { followReactions } from './follow-reactions.ts';
import type { QualityHistory } from './history.ts';
import { tellHands, tellPresence } from './news.ts';
import { mayShare } from './permitted.ts';
import type { CallReporter } from './report.ts';
import type { CallState } from './state.ts';
import type { TimeTogether } from './time-together.ts';
import { transcribe } from './transcribe.ts';

/** Readings of many people come one by one, all of them each two seconds: the page shows those of this time at once, ms. */
const READINGS_MS = 100;

/** What the events of a call are written to. */
export interface CallEventHost {
  readonly state: CallState;
  readonly history: QualityHistory;
  readonly reporter: CallReporter;
  readonly together: TimeTogether;
  /** Moderators alone may share now. */
  sharingClosed(): void;
  /** I may not share any more. */
  stopShare(): void;
  /** A moderator silenced me: that is everything I send as sound. */
  silenced(): void;
  /** The backend sent me to another room. */
  moved(move: Move): void;
  /** The call ended by itself. */
  ended(reason: string | undefined, detail: string): void;
}

/** Writes what happens in a call into the page's state. @returns what ends each subscription */
export function followCall(call: Call, host: CallEventHost): (() => void)[] {
  const { state } = host;
  const showPeers = () => {
    host.together.update(call.peers.length, Date.now());
    const before = state.get().peers;
    const hasKey = state.get().secret !== undefined;
    const peers = call.peers.map((peer) => viewOf(peer, hasKey));
    state.set({ peers });
    tellHands(state, before, peers);
  };
  return [...followPeers(call, host, showPeers), ...followMessages(call, host), ...followSession(call, host)];
}

function followPeers(call: Call, { state, history, reporter }: CallEventHost, showPeers: () => void): (() => void)[] {
  const left = (peer: RemotePeer, reason: string) => {
    // The same person is here under a new session, and the media went on: the leg is not over.
    const goesOn = call.peers.some((p) => p.userId === peer.userId && p.state === 'connected');
    // Nothing comes from the audience: there is no leg that could fail.
    if (!peer.audience && (reason !== 'session-lost' || !goesOn)) reporter.legEnded(peer, reason);
    history.forget(peer.peerId);
    showPeers();
    if (state.get().pinned === peer.peerId) state.set({ pinned: undefined });
    if (!peer.audience) tellPresence(state, 'call.left', peer.name);
  };
  let readings: ReturnType<typeof setTimeout> | undefined;
  const showReadings = () => {
    readings = undefined;
    showPeers();
    state.set({ health: connectionHealth(state.get().peers) });
  };
  return [
    () => clearTimeout(readings),
    call.on('peer-added', ({ peer }) => {
      showPeers();
      if (!peer.audience) reporter.legBegan(peer.peerId);
      reporter.sawPeople(call.peers.length + 1);
      if (!peer.audience) tellPresence(state, 'call.joined', peer.name);
    }),
    call.on('peer-removed', ({ peer, reason }) => left(peer, reason)),
    call.on('peer-changed', showPeers),
    call.on('timing', ({ peerId, name }) => {
      if (name === 'ice-restart') reporter.restarted(peerId);
      if (!peerId) reporter.switched(name);
    }),
    call.on('quality', ({ peer, quality }) => {
      history.push(peer.peerId, quality);
      readings ??= setTimeout(showReadings, READINGS_MS);
    }),
  ];
}

/** What this deployment has taken out of the page is not shown when other clients send it either. */
const isOffered = (feature: Feature): boolean => !look.get().off?.includes(feature);

function followMessages(call: Call, { state, silenced }: CallEventHost): (() => void)[] {
  return [
    ...(isOffered('chat') ? followChat(call, state) : []),
    ...followCaptions(call, state),
    transcribe(call, state),
    ...(isOffered('reactions') ? [followReactions(call, state)] : []),
    call.on('mute-requested', ({ kind }) => {
      if (kind === 'audio') {
        void localMedia.setMuted(true, 'call');
        silenced();
      } else void localMedia.setCamera(false, 'call');
      state.notify(kind === 'audio' ? 'call.mutedByHost' : 'call.camOffByHost');
    }),
  ];
}

/** What the media node says; a room that has none for a moment is recorded by none. */
function tellRecording(state: CallState, since: unknown): void {
  const recording = typeof since === 'number' ? since : undefined;
  const before = state.get().recording;
  if (recording === before) return;
  state.set({ recording });
  if (before === undefined) state.notify('record.began');
  else if (recording === undefined) state.notify('record.ended');
}

function followSession(call: Call, host: CallEventHost): (() => void)[] {
  const { state, reporter } = host;
  let resumed = true;
  const { move, undo } = followMove(call);
  const network = followNetwork(call, state);
  return [
    ...undo,
    network.undo,
    ...followGrants(call, state, () => host.stopShare()),
    call.session.on('media', ({ media }) => tellRecording(state, media?.recording)),
    call.session.on('entry', (roomEntry) => {
      state.set({ roomEntry });
      if (!mayShare(state.get())) host.sharingClosed();
    }),
    call.session.on('session-lost', () => {
      resumed = false;
      reporter.resumed(false);
    }),
    call.on('state', ({ state: now, reason, message }) => {
      if (now === 'ended') {
        const to = move();
        if (to) host.moved(to);
        else host.ended(reason, message ?? '');
        return;
      }
      if (now === 'joined' && state.get().network === 'reconnecting') {
        if (resumed) reporter.resumed(true);
        resumed = true;
      }
      network.changed();
    }),
  ];
}
