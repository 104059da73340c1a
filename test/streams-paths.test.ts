/** Candidates and ICE restarts of WHIP (RFC 9725 section 4.3), and what else a server MUST: what no client sends is sent by hand. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { readOffer } from '../infra/media-node/src/streams/sdp.ts';
import { StreamLeg } from '../infra/media-node/src/streams/stream-leg.ts';
import { SignalingSession } from '../packages/rtc/src/index.ts';
import { enginePids } from './support/media-stack.ts';
import { FRAGMENT, offerOf, SDP } from './support/stream-client.ts';
import { connected, type StreamStack, startStreamStack, WAIT } from './support/stream-stack.ts';

let streams: StreamStack;

beforeAll(async () => {
  streams = await startStreamStack(29_000);
});
afterAll(() => streams?.[Symbol.asyncDispose]());

test('W-3 preconditions: 428 without If-Match, 412 with another tag, 204 with the tag, 200 for an ICE restart', async () => {
  const client = await streams.encoder('path');
  await connected(client);
  const candidate = 'a=mid:0\r\na=candidate:1 1 UDP 2122252543 127.0.0.1 9 typ host\r\n';
  const patch = (body: string, headers: Record<string, string>) =>
    client.request('PATCH', { headers: { 'content-type': FRAGMENT, ...headers }, body });
  expect((await patch(candidate, {})).status).toBe(428);
  expect((await patch(candidate, { 'if-match': '"other"' })).status).toBe(412);
  expect((await patch(candidate, { 'if-match': client.etag })).status).toBe(204);
  const fresh = 'a=ice-ufrag:EFGH\r\na=ice-pwd:ABCDEFGHIJKLMNOPQRSTUVWX\r\n';
  // New credentials with the tag of the path before are no restart.
  expect((await patch(fresh, { 'if-match': client.etag })).status).toBe(412);
  const restarted = await patch(fresh, { 'if-match': '*' });
  expect(restarted.status).toBe(200);
  expect(restarted.headers.get('content-type')).toBe(FRAGMENT);
  const etag = restarted.headers.get('etag') ?? '';
  expect([etag, '', null]).not.toContain(client.etag);
  const answer = await restarted.text();
  const ufrag = (sdp: string) => /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
  expect(ufrag(answer)).toMatch(/^\S{4,}$/);
  expect(answer).toMatch(/^a=candidate:/m);
  expect((await patch(candidate, { 'if-match': client.etag })).status).toBe(412);
  expect((await patch(candidate, { 'if-match': etag })).status).toBe(204);
  expect((await patch('', { 'if-match': etag })).status).toBe(400);
  expect((await patch(candidate, { 'if-match': etag, 'content-type': SDP })).status).toBe(415);
});

test('W-3 a restart that fails changes nothing: session, tag and path stay, and the next one is answered (RFC 9725 section 4.3.3)', async () => {
  const client = await streams.encoder('frozen');
  await connected(client);
  const patch = (body: string, tag: string) =>
    client.request('PATCH', { headers: { 'content-type': FRAGMENT, 'if-match': tag }, body });
  const path = (ufrag: string) => `a=ice-ufrag:${ufrag}\r\na=ice-pwd:ABCDEFGHIJKLMNOPQRSTUVWX\r\n`;
  const engines = enginePids(streams.node);
  const isStopped = (pid: number) =>
    readdirSync(`/proc/${pid}/task`).every((id) => / T /.test(readFileSync(`/proc/${pid}/task/${id}/stat`, 'utf8')));
  for (const pid of engines) process.kill(pid, 'SIGSTOP');
  try {
    await vi.waitFor(() => expect(engines.map(isStopped)).toEqual(engines.map(() => true)), WAIT);
    const failed = await patch(path('EFGH'), '*');
    expect([failed.status, failed.headers.get('retry-after'), failed.headers.get('etag')]).toEqual([503, '2', null]);
  } finally {
    for (const pid of engines) process.kill(pid, 'SIGCONT');
  }
  const candidate = 'a=mid:0\r\na=candidate:1 1 UDP 2122252543 127.0.0.1 9 typ host\r\n';
  expect((await patch(candidate, client.etag)).status).toBe(204);
  // Nor are the credentials of what failed those of the session.
  expect((await patch(`${path('EFGH')}${candidate}`, client.etag)).status).toBe(412);
  const restarted = await patch(path('IJKL'), '*');
  expect(restarted.status).toBe(200);
  expect(await restarted.text()).toMatch(/^a=ice-ufrag:\S+/m);
  expect((await client.request('DELETE')).status).toBe(200);
});

test('W-3 a late answer to a restart that failed is not taken for that of the next one', async () => {
  const session = (token: string) => new SignalingSession({ url: streams.media.url, getToken: async () => token });
  const agent = session(await streams.media.keys.token('media-fake', { rooms: ['late-answer'], media: true }));
  onTestFinished(() => agent.close());
  await agent.join('late-answer', { media: 1 });
  const answerOf = (ufrag: string) => offerOf().replace('sendonly', 'recvonly').replace('abcd', ufrag);
  const offers: { peerId: string; n: number }[] = [];
  const answer = async ({ peerId, n }: (typeof offers)[number], ufrag: string) => {
    const sdp = { type: 'answer', sdp: answerOf(ufrag), leg: 'up', gen: 1, to: n };
    await agent.sendTo(peerId, 'answer', { sdp: sdp as never });
    const candidate = { candidate: `candidate:${ufrag}`, sdpMid: '0', leg: 'up', gen: 1 };
    await agent.sendTo(peerId, 'ice-candidate', { candidate: candidate as never });
    await agent.sendTo(peerId, 'ice-candidate', { candidate: { candidate: '', leg: 'up', gen: 1 } as never });
  };
  agent.on('signal', (signal) => {
    if (signal.type !== 'offer') return;
    offers.push({ peerId: signal.peerId, n: (signal.sdp as unknown as { n: number }).n });
    const [latest] = offers.slice(-1);
    // The first one is answered at once, the second never, and with the third comes what was to answer the second.
    if (latest && offers.length === 1) void answer(latest, 'first');
    if (latest && offers.length === 3) void answer(offers[1] ?? latest, 'late').then(() => answer(latest, 'third'));
  });
  const ends: string[] = [];
  const { leg, answer: first } = await StreamLeg.open({
    url: streams.media.url,
    room: 'late-answer',
    token: await streams.media.keys.token('late-encoder'),
    offer: readOffer(offerOf(), 'sends'),
    callNode: async () => {},
    onEnded: (why) => ends.push(why),
    answerMs: 500,
  });
  onTestFinished(() => leg.end('done'));
  expect(first).toContain('a=ice-ufrag:first');
  const path = (ufrag: string) => ({ ufrag, pwd: 'ABCDEFGHIJKLMNOPQRSTUVWX' });
  await expect(leg.restart(path('EFGH'))).rejects.toThrow('no-node');
  expect([leg.credentials.ufrag, ends]).toEqual(['abcd', []]);
  const third = await leg.restart(path('IJKL'));
  expect(third).toContain('a=ice-ufrag:third');
  expect(third.match(/^a=candidate:.*$/gm)).toEqual(['a=candidate:third']);
  expect(leg.credentials.ufrag).toBe('IJKL');
});

test('RFC 9725, what a server MUST and no rule above says: the answer, discarded candidates, ignored tags, tracks that it does not take', async () => {
  const client = await streams.encoder('must');
  const { answer } = client;
  // Section 4.2: recvonly. Section 4.4.1: one group of all sections, RTCP with RTP. Section 4.3.1: all candidates.
  const sections = answer.split(/^(?=m=)/m).slice(1);
  const mids = sections.map((section) => /^a=mid:(\S+)/m.exec(section)?.[1]);
  expect(answer).toMatch(new RegExp(`^a=group:BUNDLE ${mids.join(' ')}\\r?$`, 'm'));
  for (const section of sections) {
    expect(section).toMatch(/^a=recvonly\r?$/m);
    expect(section).toMatch(/^a=rtcp-mux\r?$/m);
  }
  expect(answer).toMatch(/^a=candidate:/m);
  // Section 4.3.1: strong tags alone.
  expect(client.etag).toMatch(/^"/);
  await connected(client);
  // Section 4.3.2: a transport or an address that is not known is discarded, and the rest is taken.
  const odd = [
    'a=mid:0',
    'a=candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active',
    'a=candidate:2 1 udp 2122260223 0b1e6e4d-0b0c-4b41-a1c3-5f0e5a1f7d3c.local 61764 typ host',
    'a=candidate:3 1 sctp 2122260223 192.0.2.1 61764 typ host',
    'a=candidate:4 1 UDP 2122252543 127.0.0.1 9 typ host',
    'a=end-of-candidates',
    '',
  ].join('\r\n');
  const patch = (body: string, tag: string) =>
    client.request('PATCH', { headers: { 'content-type': FRAGMENT, 'if-match': tag }, body });
  const taken = await patch(odd, client.etag);
  expect([taken.status, await taken.text()]).toEqual([204, '']);
  expect(client.peer.state).toBe('connected');
  // Section 4.3.3: the fragment says the options of ICE as the answer did.
  const restarted = await patch('a=ice-ufrag:EFGH\r\na=ice-pwd:ABCDEFGHIJKLMNOPQRSTUVWX\r\n', '*');
  const options = (sdp: string) => new Set(sdp.match(/^a=ice-(lite|options|pacing).*?$/gm));
  expect(options(await restarted.text())).toEqual(options(answer));
  // Section 4.3.1: a tag means nothing to DELETE.
  expect((await client.request('DELETE', { headers: { 'if-match': '"other"' } })).status).toBe(200);
  // Sections 4.4.2 and 4.4.3: tracks that are too many, and sections of which one cannot be taken, are no stream.
  const token = await streams.media.keys.token('two-microphones');
  const post = async (body: string) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': SDP };
    const response = await fetch(streams.endpoint('partly'), { method: 'POST', headers, body });
    return [response.status, ((await response.json()) as { code: string }).code];
  };
  const offer = offerOf();
  const [, microphone = ''] = offer.split(/^(?=m=)/m);
  expect(await post(`${offer}${microphone.replace('a=mid:0', 'a=mid:1')}`)).toEqual([400, 'bad_sdp']);
  const foreign = microphone
    .replace('m=audio 9 UDP/TLS/RTP/SAVPF 111', 'm=video 9 UDP/TLS/RTP/SAVPF 98')
    .replace('a=mid:0', 'a=mid:1')
    .replace('a=rtpmap:111 opus/48000/2', 'a=rtpmap:98 foreign/90000');
  expect(await post(`${offer.replace('BUNDLE 0', 'BUNDLE 0 1')}${foreign}`)).toEqual([422, 'no_media']);
  // Nobody of it is left in the room.
  const session = new SignalingSession({ url: streams.media.url, getToken: async () => token });
  onTestFinished(() => session.close());
  await session.join('partly');
  expect([...session.peers.values()].filter(({ metadata }) => metadata?.stream)).toEqual([]);
});
