import type { Call, RemotePeer } from '@tandem/rtc';
import { localMedia } from '../media/local-media.ts';
import type { QualityHistory } from './history.ts';
import { viewOf } from './peer-view.ts';
import type { CallReporter } from './report.ts';
import type { CallState } from './state.ts';
import { type CallModelState, REACTIONS } from './types.ts';

const RANK = { good: 0, fair: 1, poor: 2 } as const;

/** What the events of a call are written to. */
export interface CallEventHost {
  readonly state: CallState;
  readonly history: QualityHistory;
  readonly reporter: CallReporter;
  networkChanged(reconnecting: boolean): void;
  /** The call ended by itself. */
  ended(reason: string | undefined, detail: string): void;
}

/** Writes what happens in a call into the page's state. @returns what ends each subscription */
export function followCall(call: Call, host: CallEventHost): (() => void)[] {
  const { state } = host;
  const showPeers = () => state.set({ peers: call.peers.map(viewOf) });
  return [...followPeers(call, host, showPeers), ...followMessages(call, state), ...followSession(call, host)];
}

function followPeers(call: Call, { state, history, reporter }: CallEventHost, showPeers: () => void): (() => void)[] {
  const inCall = () => state.get().phase === 'call';
  const left = (peer: RemotePeer, reason: string) => {
    // The same person is here under a new session, and the media went on: the leg is not over.
    const goesOn = call.peers.some((p) => p.userId === peer.userId && p.state === 'connected');
    if (reason !== 'session-lost' || !goesOn) reporter.legEnded(peer, reason);
    showPeers();
    if (state.get().pinned === peer.peerId) state.set({ pinned: undefined });
    if (inCall() && peer.name) state.notify('call.left', { name: peer.name });
  };
  return [
    call.on('peer-added', ({ peer }) => {
      showPeers();
      reporter.legBegan(peer.peerId);
      reporter.sawPeople(call.peers.length + 1);
      if (inCall() && peer.name) state.notify('call.joined', { name: peer.name });
    }),
    call.on('peer-removed', ({ peer, reason }) => left(peer, reason)),
    call.on('peer-changed', showPeers),
    call.on('timing', ({ peerId, name }) => {
      if (name === 'ice-restart') reporter.restarted(peerId);
    }),
    call.on('quality', ({ peer, quality }) => {
      history.push(peer.peerId, quality);
      showPeers();
      state.set(worstOf(state.get().peers));
    }),
  ];
}

/** The lowest grade among the legs, and its trouble. */
function worstOf(peers: CallModelState['peers']): Pick<CallModelState, 'grade' | 'trouble'> {
  let worst: CallModelState['grade'];
  let trouble: CallModelState['trouble'] = [];
  for (const { quality } of peers) {
    if (!quality || (worst && RANK[quality.grade] <= RANK[worst])) continue;
    worst = quality.grade;
    trouble = quality.trouble;
  }
  return { grade: worst, trouble };
}

function followMessages(call: Call, state: CallState): (() => void)[] {
  return [
    call.on('chat', (line) => {
      const unread = line.mine || state.get().panel === 'chat' ? 0 : state.get().unread + 1;
      state.set({ chat: [...state.get().chat.slice(-499), line], unread });
    }),
    call.on('reaction', ({ peerId, emoji }) => {
      const kind = REACTIONS.find((k) => k === emoji);
      const name = call.peers.find((p) => p.peerId === peerId)?.name ?? '';
      if (kind) state.float(kind, name);
    }),
    call.on('mute-requested', ({ kind }) => {
      if (kind === 'audio') void localMedia.setMuted(true);
      else void localMedia.setCamera(false);
      state.notify(kind === 'audio' ? 'call.mutedByHost' : 'call.camOffByHost');
    }),
  ];
}

function followSession(call: Call, host: CallEventHost): (() => void)[] {
  const { state, reporter } = host;
  let resumed = true;
  return [
    call.session.on('session-lost', () => {
      resumed = false;
      reporter.resumed(false);
    }),
    call.on('state', ({ state: now, reason, message }) => {
      if (now === 'ended') {
        host.ended(reason, message ?? '');
        return;
      }
      if (now === 'joined' && state.get().network === 'reconnecting') {
        if (resumed) reporter.resumed(true);
        resumed = true;
      }
      host.networkChanged(now === 'reconnecting');
    }),
  ];
}
