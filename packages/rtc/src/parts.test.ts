/** The small parts: backoff, ICE servers, caps, message, room view, emitter, wire types. */
import type { PeerMetadata as ProtocolMetadata, PeerInfo as ProtocolPeer } from '@tandem/protocol';
import { expect, expectTypeOf, test } from 'vitest';
import { fullJitter, parseRetryAfter } from './backoff.ts';
import { applyCap, cameraCap, scaleFor, screenCap, withinWish } from './bitrate-caps.ts';
import { Emitter } from './emitter.ts';
import { IceServers } from './ice-servers.ts';
import type { PeerMessage } from './peer-input.ts';
import { PeerMessages } from './peer-messages.ts';
import { RoomView } from './room-view.ts';
import { startBitrate, withStartBitrate } from './start-bitrate.ts';
import { withoutStrayTypes } from './stray-types.ts';
import { random, VirtualTime } from './testing.ts';
import type { PeerInfo, PeerMetadata } from './wire.ts';

test('plain wire types are those of the protocol', () => {
  expectTypeOf<ProtocolPeer>().toExtend<PeerInfo>();
  expectTypeOf<PeerInfo>().toExtend<ProtocolPeer>();
  expectTypeOf<ProtocolMetadata>().toExtend<PeerMetadata>();
});

test('full jitter covers everything from 0 to its ceiling; retryAfter is a floor', () => {
  const chance = random(3);
  const first = Array.from({ length: 1000 }, () => fullJitter(0, chance));
  expect(Math.min(...first)).toBeLessThan(25);
  expect(Math.max(...first)).toBeGreaterThan(475);
  expect(Math.max(...Array.from({ length: 1000 }, () => fullJitter(30, chance)))).toBeLessThanOrEqual(15_000);
  const told = Array.from({ length: 1000 }, () => fullJitter(0, chance, {}, 4000));
  expect(Math.min(...told)).toBeGreaterThanOrEqual(4000);
  expect(Math.max(...told), 'spread even when told').toBeGreaterThan(5500);
});

test('Retry-After: seconds, a date, nonsense', () => {
  expect(parseRetryAfter('3', 0)).toBe(3000);
  expect(parseRetryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 4000)).toBe(6000);
  expect(parseRetryAfter('soon', 0)).toBeUndefined();
  expect(parseRetryAfter(null, 0)).toBeUndefined();
});

test('TURN credentials: fetched once, kept for half their life, fetched anew after it', async () => {
  const time = new VirtualTime();
  let n = 0;
  const ice = new IceServers(async () => ({ iceServers: [{ urls: `turn:${++n}` }], ttl: 600 }), time);
  expect(await Promise.all([ice.fresh(), ice.fresh()])).toEqual([[{ urls: 'turn:1' }], [{ urls: 'turn:1' }]]);
  time.run(299_000);
  expect(await ice.fresh()).toEqual([{ urls: 'turn:1' }]);
  time.run(2000);
  expect(await ice.fresh()).toEqual([{ urls: 'turn:2' }]);
});

test('TURN credentials: a service that fails or hangs never holds up a call', async () => {
  const time = new VirtualTime();
  const down = new IceServers(() => Promise.reject(new Error('down')), time).fresh(3000);
  await time.settle(3000);
  expect(await down).toEqual([]);
  const answers: Promise<RTCIceServer[]>[] = [new Promise(() => {}), Promise.resolve([{ urls: 'turn:2' }])];
  const said: string[] = [];
  const ice = new IceServers(
    () => answers.shift() ?? Promise.reject(),
    time,
    ({ message }) => said.push(message),
  );
  const hung = ice.fresh(3000);
  await time.settle(3000);
  expect(await hung).toEqual([]);
  await time.settle(10_000);
  expect(said).toEqual(['no answer within 10000 ms']);
  expect(await ice.fresh(), 'asked again').toEqual([{ urls: 'turn:2' }]);
  expect(time.waiting).toBe(0);
});

test('TURN credentials: a first refusal is not the last word, and is said', async () => {
  const time = new VirtualTime();
  const refusals: string[] = [];
  const answers: unknown[] = [
    { error: 'unauthorized' },
    undefined,
    new Error('401'),
    { iceServers: [{ urls: 'turn:1' }] },
  ];
  const get = async () => {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer as { iceServers: RTCIceServer[] };
  };
  const ice = new IceServers(get, time, (error) => refusals.push(error.message));
  const first = ice.fresh();
  await time.settle(2000);
  expect(await first, 'so that the first connection has TURN').toEqual([{ urls: 'turn:1' }]);
  expect(refusals).toEqual([expect.stringContaining('neither'), expect.stringContaining('neither'), '401']);
  expect(time.waiting).toBe(0);
});

test('uplink: the cameras of all legs stay under 1.7 Mbit/s with their audio, at any size', () => {
  for (let people = 2; people <= 12; people++) {
    const legs = people - 1;
    expect(legs * (cameraCap(people).maxBitrate + 32_000), `${people} people`).toBeLessThanOrEqual(1_700_000);
    const sharing = legs * (cameraCap(people, true).maxBitrate + screenCap(people).maxBitrate + 32_000);
    expect(sharing, `${people} people, sharing`).toBeLessThanOrEqual(1_900_000);
  }
  expect([2, 3, 4, 5, 6].map((p) => cameraCap(p).maxHeight)).toEqual([720, 540, 360, 180, 180]);
  expect(withinWish(cameraCap(2), undefined)).toEqual(cameraCap(2));
  expect(withinWish(cameraCap(4), 720), 'a wish for more than the uplink carries changes nothing').toEqual(
    cameraCap(4),
  );
  expect(withinWish(cameraCap(2), 180)).toEqual({ maxBitrate: 93_750, maxHeight: 180, maxFramerate: 30 });
  expect(withinWish(cameraCap(2), 0).paused).toBe(true);
  expect(scaleFor(720, cameraCap(4))).toBe(2);
  expect(scaleFor(240, cameraCap(4)), 'never up').toBe(1);
  expect(scaleFor(undefined, cameraCap(4))).toBe(1);
});

function messagePair() {
  const time = new VirtualTime();
  const heard: PeerMessage[] = [];
  const signaled: PeerMessage[] = [];
  let open = true;
  let swallow = false;
  const channel = {
    get readyState() {
      return open ? 'open' : 'connecting';
    },
    send: (text: string) => {
      if (!swallow) other.receive('a', text);
    },
  } as RTCDataChannel;
  const back = { readyState: 'open', send: (text: string) => one.receive('b', text) } as unknown as RTCDataChannel;
  const one = new PeerMessages({
    clock: time,
    members: new Map([['b', {}]]),
    channel: () => channel,
    signal: (_peer, message) => {
      signaled.push(message);
      other.receive('a', message);
      return Promise.resolve({ ok: true, confirmed: true });
    },
    once: () => false,
    received: () => {},
  });
  const other = new PeerMessages({
    clock: time,
    members: new Map([['a', {}]]),
    channel: () => back,
    signal: () => Promise.resolve({ ok: false, reason: 'peer-left' }),
    once: () => false,
    received: (_p, message) => heard.push(message),
  });
  return {
    time,
    one,
    heard,
    signaled,
    set open(value: boolean) {
      open = value;
    },
    set swallow(value: boolean) {
      swallow = value;
    },
  };
}
const sentAt = Date.now();
const chat = (id: string): PeerMessage => ({ tandem: 'chat', id, text: 'hi', at: sentAt });

test('caps: told once, told again when they change or were refused', async () => {
  let told: RTCRtpEncodingParameters[] = [];
  let refuses = false;
  const sender = {
    track: { getSettings: () => ({ width: 1280, height: 720 }) },
    getParameters: () => ({ encodings: [{}] }),
    setParameters: async ({ encodings }: { encodings: RTCRtpEncodingParameters[] }) => {
      if (refuses) throw new Error('not now');
      told = [...told, ...encodings];
    },
  } as unknown as RTCRtpSender;
  await applyCap(sender, cameraCap(4));
  await applyCap(sender, cameraCap(4));
  expect(told).toEqual([{ active: true, maxBitrate: 480_000, maxFramerate: 30, scaleResolutionDownBy: 2 }]);
  refuses = true;
  await applyCap(sender, cameraCap(3));
  refuses = false;
  await applyCap(sender, cameraCap(3));
  expect(told.at(-1)).toMatchObject({ active: true, maxBitrate: 750_000 });
  expect(told).toHaveLength(2);
});

test('peer messages: over the channel, acknowledged, once', async () => {
  const pair = messagePair();
  const result = pair.one.send('b', chat('1'));
  pair.time.run(10_000);
  expect(pair.heard).toEqual([chat('1')]);
  expect(pair.signaled).toEqual([]);
  expect(await result).toEqual({ ok: true, confirmed: true });
});

test('peer messages: a channel that swallows it is made good through signaling, without a double', async () => {
  const pair = messagePair();
  pair.swallow = true;
  const result = pair.one.send('b', chat('1'));
  pair.time.run(10_000);
  expect(pair.heard).toEqual([chat('1')]);
  expect(await result).toEqual({ ok: true, confirmed: true });
  pair.swallow = false;
  await pair.one.send('b', chat('1'));
  expect(pair.heard).toHaveLength(1);
});

test('peer messages: a result for everything, also when the call ends before the acknowledgement', async () => {
  const pair = messagePair();
  pair.swallow = true;
  const result = pair.one.send('b', chat('1'));
  pair.one.close();
  expect(await result).toEqual({ ok: false, reason: 'closed' });
  expect(pair.time.waiting).toBe(0);
});

test('peer messages: without a channel through signaling, except figures', async () => {
  const pair = messagePair();
  pair.open = false;
  expect(await pair.one.send('b', chat('1'))).toMatchObject({ ok: true });
  expect(await pair.one.send('b', { tandem: 'reaction', emoji: '👍' })).toMatchObject({ ok: true });
  expect(await pair.one.send('b', { tandem: 'quality', view: {} })).toMatchObject({ ok: false });
  expect(pair.signaled.map((t) => t.tandem)).toEqual(['chat', 'reaction']);
});

test('peer messages: what is not ours is left to others', () => {
  const pair = messagePair();
  for (const message of ['', '{', '7', null, 7, { hello: 1 }]) expect(pair.one.receive('b', message)).toBe(false);
});

test('room view: snapshots replace, differences are reported', () => {
  const view = new RoomView();
  const kinds = (changes: { kind: string; peer: PeerInfo }[]) => changes.map((c) => `${c.kind} ${c.peer.peerId}`);
  expect(
    kinds(view.list({ type: 'room', peers: [{ peerId: 'a' }, { peerId: 'b', away: true }, null, { peerId: 7 }] })),
  ).toEqual(['joined a', 'joined b']);
  expect(kinds(view.list({ type: 'room', peers: [{ peerId: 'b' }, { peerId: 'c' }] }))).toEqual([
    'left a',
    'back b',
    'joined c',
  ]);
  expect(
    kinds(view.list({ type: 'room', peers: [{ peerId: 'b', metadata: { name: 'B' } }, { peerId: 'c' }] })),
  ).toEqual(['updated b']);
  expect(kinds(view.event({ type: 'peer_away', peerId: 'c' }))).toEqual(['away c']);
  expect(kinds(view.event({ type: 'peer_away', peerId: 'ghost' })), 'no ghosts by events').toEqual([]);
  expect(kinds(view.event({ type: 'peer_back', peerId: 'c' }))).toEqual(['back c']);
  expect(kinds(view.event({ type: 'peer_back', peerId: 'c' })), 'its socket changed: told again').toEqual(['back c']);
  expect(kinds(view.event({ type: 'peer_updated', peerId: 'c', metadata: { name: 'C' } }))).toEqual(['updated c']);
  expect(kinds(view.event({ type: 'peer_left', peerId: 'b', reason: 'timeout' }))).toEqual(['left b']);
  expect(kinds(view.clear('left'))).toEqual(['left c']);
});

test('S-51 room view: who says so is audience, whatever the server grants it, until it comes without', () => {
  const view = new RoomView();
  const peer = (metadata: object, more = {}) => ({ peerId: 'zoe', metadata, ...more });
  const isAudience = () => view.peers.get('zoe')?.audience;
  view.list({ type: 'joined', peers: [peer({ audience: true }, { audience: true })] });
  view.list({ type: 'room', peers: [peer({ audience: true })] });
  expect(isAudience()).toBe(true);
  view.event({ type: 'peer_updated', ...peer({ audience: true, hand: true }) });
  expect(isAudience()).toBe(true);
  view.event({ type: 'peer_left', peerId: 'zoe' });
  view.event({ type: 'peer_joined', ...peer({ audience: false }) });
  expect(isAudience()).toBeUndefined();
});

test('room view: any order of the same events and a last snapshot end in the same view', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const chance = random(seed);
    const view = new RoomView();
    for (let i = 0; i < 30; i++) {
      const peerId = `p${Math.floor(chance() * 4)}`;
      const type =
        ['peer_joined', 'peer_left', 'peer_updated', 'peer_away', 'peer_back'][Math.floor(chance() * 5)] ?? '';
      view.event({ type, peerId, metadata: { n: i } });
    }
    const truth = [{ peerId: 'p1', metadata: { n: 0 } }, { peerId: 'p9' }];
    view.list({ type: 'room', peers: truth });
    expect(
      [...view.peers.values()].sort((a, b) => a.peerId.localeCompare(b.peerId)),
      `seed ${seed}`,
    ).toEqual(truth);
  }
});

test('emitter: a handler that throws does not stop the others, and unsubscribing works in a handler', () => {
  class Bell extends Emitter<{ ring: number }> {
    ring(n: number) {
      this.emit('ring', n);
    }
  }
  const bell = new Bell();
  const heard: string[] = [];
  const off = bell.on('ring', (n) => {
    heard.push(`one ${n}`);
    off();
  });
  bell.on('ring', (n) => heard.push(`two ${n}`));
  bell.ring(1);
  bell.ring(2);
  expect(heard).toEqual(['one 1', 'two 1', 'two 2']);
});

test('the estimate of a new leg begins with what the camera may send: all legs together stay within one uplink', () => {
  for (let people = 2; people <= 12; people++) {
    const each = startBitrate(people);
    expect(each).toBeLessThanOrEqual(cameraCap(people).maxBitrate);
    expect(each * (people - 1)).toBeLessThanOrEqual(1_700_000);
  }
  expect(startBitrate(2)).toBe(700_000);
});

test('a description says once per video codec where the estimate begins, and nothing else changes', () => {
  const sdp = [
    'v=0',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'a=rtpmap:111 opus/48000/2',
    'a=fmtp:111 minptime=10;useinbandfec=1',
    'm=video 9 UDP/TLS/RTP/SAVPF 96 97 98',
    'a=rtpmap:96 VP8/90000',
    'a=rtcp-fb:96 nack',
    'a=rtpmap:97 rtx/90000',
    'a=fmtp:97 apt=96',
    'a=rtpmap:98 H264/90000',
    'a=rtcp-fb:98 nack',
    'a=fmtp:98 packetization-mode=1;profile-level-id=42e01f',
    '',
  ];
  const wanted = sdp.flatMap((line) => {
    if (line === 'a=rtcp-fb:96 nack') return [line, 'a=fmtp:96 x-google-start-bitrate=750'];
    return line.startsWith('a=fmtp:98') ? [`${line};x-google-start-bitrate=750`] : [line];
  });
  for (const end of ['\r\n', '\n'])
    expect(withStartBitrate(sdp.join(end), 750_000).replaceAll('\r\n', '\n')).toBe(wanted.join('\n'));
});

test('a description of Firefox, which has all a=fmtp before all a=rtpmap, says it once per video codec as well', () => {
  const sdp = [
    'm=video 9 UDP/TLS/RTP/SAVPF 120 124 126',
    'a=fmtp:126 profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1',
    'a=fmtp:124 apt=120',
    'a=rtcp-fb:120 nack pli',
    'a=rtcp-fb:126 nack pli',
    'a=rtpmap:120 VP8/90000',
    'a=rtpmap:124 rtx/90000',
    'a=rtpmap:126 H264/90000',
    '',
  ].join('\r\n');
  const fmtp = (text: string) => text.split('\r\n').filter((line) => line.startsWith('a=fmtp'));
  expect(fmtp(withStartBitrate(sdp, 700_000))).toEqual([
    'a=fmtp:126 profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1;x-google-start-bitrate=700',
    'a=fmtp:124 apt=120',
    'a=fmtp:120 x-google-start-bitrate=700',
  ]);
});

test('attributes of payload types that a section does not have are left out, all else stays', () => {
  const audio = [
    'm=audio 9 UDP/TLS/RTP/SAVPF 111 0',
    'a=rtpmap:111 opus/48000/2',
    'a=rtcp-fb:111 nack',
    'a=rtcp-fb:* ccm fir',
  ];
  const video = ['m=video 9 UDP/TLS/RTP/SAVPF 120', 'a=rtpmap:120 VP8/90000', 'a=ssrc:99 cname:x'];
  const stray = ['a=rtcp-fb:121 nack pli', 'a=fmtp:99 apt=98', 'a=rtpmap:111 opus/48000/2'];
  const sdp = (...lines: string[]) => `${['v=0', 's=-', ...lines].join('\r\n')}\r\n`;
  expect(withoutStrayTypes(sdp(...audio, ...video, ...stray))).toBe(sdp(...audio, ...video));
  expect(withoutStrayTypes(sdp(...audio, ...video))).toBe(sdp(...audio, ...video));
  expect(withoutStrayTypes('')).toBe('');
});
