/** What other participants send to the SDK: messages, metadata, session descriptions, candidates. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { Chat } from '../../packages/rtc/src/chat.ts';
import { DtlsRole } from '../../packages/rtc/src/dtls-role.ts';
import { Pace } from '../../packages/rtc/src/pace.ts';
import { Pair } from '../../packages/rtc/src/pair.ts';
import type { PairHost } from '../../packages/rtc/src/pair-types.ts';
import type { RemoteView } from '../../packages/rtc/src/quality.ts';
import { RoomView } from '../../packages/rtc/src/room-view.ts';
import { withStartBitrate } from '../../packages/rtc/src/start-bitrate.ts';
import { random, VirtualTime } from '../../packages/rtc/src/testing.ts';
import { fakePeerConnection } from '../../packages/rtc/src/testing-connection.ts';
import { peerMessages } from '../../packages/rtc/src/testing-peer-input.ts';
import type { FuzzTarget } from './target.ts';

const hold = (fine: boolean, what: string): void => {
  if (!fine) throw new Error(what);
};
const corpus = <T>(file: string): T =>
  JSON.parse(readFileSync(new URL(`../corpus/${file}`, import.meta.url), 'utf8')) as T;

/** Gives a call's chat one message, by signaling and as text of the data channel; reads what the app gets as a view does. */
function hear(message: unknown): void {
  const peer = {
    view: { name: 'Mallory', metadata: {} },
    set remoteView(view: RemoteView) {
      for (const figure of Object.values(view)) hold(Number.isFinite(figure), 'figures are finite');
    },
    set wants(lines: number) {
      hold(Number.isInteger(lines) && lines >= 0 && lines <= 4320, 'lines are bounded');
    },
  };
  const chat = new Chat({
    clock: new VirtualTime(),
    channel: () => undefined,
    signal: () => Promise.resolve({ ok: true, confirmed: true }),
    once: () => false,
    members: new Map([['peer', peer]]),
    me: () => ({ peerId: 'me', name: 'Ada' }),
    emit: (event, payload) => {
      if (event === 'chat') {
        const { text, at, shownAt } = payload as { text: string; at: number; shownAt: number };
        hold(typeof text === 'string' && text.length <= 4000, 'the text is bounded');
        for (const time of [at, shownAt]) new Date(time).toISOString();
      } else if (event === 'reaction')
        hold(typeof (payload as { emoji: unknown }).emoji === 'string', 'a reaction is text');
    },
    cap: () => {},
  });
  chat.receive('peer', message);
  chat.receive('peer', JSON.stringify(message));
}

function see(metadata: unknown): void {
  const view = new RoomView();
  view.list({ type: 'joined', peers: [{ peerId: 'a', userId: metadata, metadata }, metadata] });
  view.event({ type: 'peer_updated', peerId: 'a', metadata });
  const name = view.peers.get('a')?.metadata?.name;
  hold(name === undefined || (typeof name === 'string' && name.length <= 64), 'a name is bounded text');
}

export const peerMessageTarget: FuzzTarget = {
  name: 'peer messages',
  open: async () => ({
    attack: async (seed, runs) => {
      for (const { data } of corpus<{ data: unknown }[]>('peer-messages.json')) hear(data);
      for (const name of corpus<string[]>('display-names.json')) see({ name });
      fc.assert(fc.property(peerMessages(), hear), { seed, numRuns: runs });
      fc.assert(fc.property(fc.oneof(fc.jsonValue(), fc.record({ name: fc.jsonValue() })), see), {
        seed,
        numRuns: runs,
      });
    },
    [Symbol.asyncDispose]: async () => {},
  }),
};

/** Lines as browsers write them, whole and broken. */
const LINES = [
  'v=0',
  'o=- 4611731400430051336 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0 1 2 3',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'm=video 9 UDP/TLS/RTP/SAVPF 96 97 126',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  'a=mid:0',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa',
  'a=fingerprint:sha-256 00:11:22',
  'a=setup:actpass',
  'a=setup:active',
  'a=setup:passive',
  'a=rtpmap:96 VP8/90000',
  'a=rtpmap:126 H264/90000',
  'a=rtcp-fb:96 nack pli',
  'a=fmtp:126 profile-level-id=42e01f;packetization-mode=1',
  'a=fmtp:96 ',
  'a=candidate:1 1 udp 2122260223 127.0.0.1 9 typ host',
];

export function descriptions(): fc.Arbitrary<string> {
  const line = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...LINES) },
    { weight: 1, arbitrary: fc.string() },
    { weight: 1, arbitrary: fc.constantFrom(...LINES).chain((l) => fc.nat(l.length).map((at) => l.slice(0, at))) },
  );
  return fc
    .tuple(fc.array(line, { maxLength: 60 }), fc.constantFrom('\r\n', '\n', '\r', ''))
    .map(([lines, end]) => lines.join(end) + end);
}

/** Everything but the parameters of codecs, and the roles, stays as it is. */
function edit(sdp: string, other: string): void {
  const rest = (text: string) =>
    text
      .split(/\r\n|[\r\n\u2028\u2029]/)
      .filter((l) => !/^a=(fmtp|setup):/.test(l))
      .join('\n');
  hold(rest(withStartBitrate(sdp, 700_000)) === rest(sdp), 'the start bitrate changes a=fmtp lines only');
  const role = new DtlsRole();
  role.settle(sdp, 'peer', sdp);
  for (const by of ['me', 'peer'] as const)
    hold(rest(role.keep(other, by, sdp)) === rest(other), 'keeping the role changes a=setup lines only');
}

type Signal = readonly ['offer' | 'answer' | 'ice-candidate', { sdp?: unknown; candidate?: unknown }];

function signals(): fc.Arbitrary<Signal> {
  const counter = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.jsonValue(), fc.maxSafeInteger());
  const description = fc.oneof(
    fc.jsonValue(),
    descriptions(),
    fc.record({ sdp: descriptions(), gen: counter, n: counter, to: counter }, { requiredKeys: ['sdp'] }),
  );
  const candidate = fc.oneof(
    fc.jsonValue(),
    fc.record(
      { candidate: fc.string(), sdpMid: fc.jsonValue(), sdpMLineIndex: counter, gen: counter },
      { requiredKeys: [] },
    ),
  );
  return fc.oneof(
    fc.tuple(fc.constantFrom('offer' as const, 'answer' as const), fc.record({ sdp: description })),
    fc.tuple(fc.constant('ice-candidate' as const), fc.record({ candidate })),
  );
}

/** A pair that gets these in a row: it neither throws nor floods, and leaves no timer behind. */
async function negotiate(list: readonly Signal[], seed: number): Promise<void> {
  const time = new VirtualTime();
  let sent = 0;
  const pair = new Pair(
    {
      clock: time,
      pace: new Pace(),
      RTCPeerConnection: fakePeerConnection({
        time,
        random: random(seed),
        slowness: 5,
      }) as unknown as PairHost['RTCPeerConnection'],
      configuration: () => ({ bundlePolicy: 'max-bundle' }),
      freshConfiguration: async () => ({ bundlePolicy: 'max-bundle' }),
      send: async () => {
        sent++;
        return { ok: true, confirmed: true };
      },
      reachable: () => true,
      track: () => null,
      startBitrate: () => 700_000,
      onTrack: () => {},
      onState: () => {},
      onSenders: () => {},
      onChannel: () => {},
      onTiming: () => {},
    },
    seed % 2 === 0,
  );
  pair.start(seed % 3 === 0);
  for (const [type, body] of list) {
    pair.receive(type, body);
    await time.settle(20);
  }
  await time.settle(60_000);
  // An offer, an answer and their candidates for each input, and the rebuilds of a minute.
  hold(sent <= 12 * list.length + 60, `${sent} messages for ${list.length}`);
  pair.close();
  await time.settle(1000);
  hold(time.waiting === 0, 'no timer is left');
}

export const descriptionTarget: FuzzTarget = {
  name: 'session descriptions',
  open: async () => ({
    attack: async (seed, runs) => {
      fc.assert(fc.property(descriptions(), descriptions(), edit), { seed, numRuns: runs });
      await fc.assert(fc.asyncProperty(fc.array(signals(), { maxLength: 6 }), fc.nat(), negotiate), {
        seed,
        numRuns: Math.ceil(runs / 10),
      });
    },
    [Symbol.asyncDispose]: async () => {},
  }),
};
