/** What WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) refuse, and how, asked by hand of a real media node. */
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MediaNode } from '../infra/media-node/src/media-node.ts';
import { type MediaStack, startMediaStack } from './support/media-stack.ts';
import { FRAGMENT, offerOf, SDP } from './support/stream-client.ts';

/** What a session takes, and which way the media goes: of the client's offer, and against it. */
const PROTOCOLS = [
  { name: 'whip', ways: ['sendonly', 'recvonly'], ofSession: 'PATCH, DELETE, OPTIONS' },
  { name: 'whep', ways: ['recvonly', 'sendonly'], ofSession: 'GET, PATCH, DELETE, OPTIONS' },
] as const;
let stack: MediaStack;
let node: MediaNode;
let origin: string;

beforeAll(async () => {
  stack = await startMediaStack({ from: 9 });
  node = await stack.mediaNode('m1', 37_000);
  origin = `http://127.0.0.1:${node.httpPort}`;
});
afterAll(() => stack?.[Symbol.asyncDispose]());

test.each(PROTOCOLS)('W-5 W-7 what $name refuses, and how', async ({ name, ways: [way, against] }) => {
  const good = await stack.keys.token('ada');
  const post = async (body: string, { token = good, type = SDP, room = 'refused' } = {}) => {
    const headers = { ...(token ? { authorization: `Bearer ${token}` } : {}), 'content-type': type };
    const response = await fetch(`${origin}/${name}/${room}`, { method: 'POST', headers, body });
    const problem = (await response.json()) as { status: number; code: string };
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(problem.status).toBe(response.status);
    return `${problem.status} ${problem.code}`;
  };
  const offer = offerOf().replace('sendonly', way);
  expect(await post(offer, { token: '' })).toBe('401 missing');
  expect(await post(offer, { token: 'x.y.z' })).toBe('401 malformed');
  expect(await post(offer, { token: await stack.keys.token('ada', {}, { aud: 'others' }) })).toBe('401 audience');
  expect(await post(offer, { token: await stack.keys.token('ada', { rooms: ['b'] }) })).toBe('403 forbidden');
  // Who may not publish may watch, where there is something.
  expect(await post(offer, { token: await stack.keys.token('ada', { publish: false }) })).toBe(
    name === 'whip' ? '403 forbidden' : '409 not_live',
  );
  expect(await post(offer, { room: 'no%2Froom' })).toBe('404 room_unknown');
  for (const type of ['application/json', 'text/plain', FRAGMENT])
    expect(await post(offer, { type }), type).toBe('415 unsupported_media_type');
  for (const bad of [
    '',
    'v=0',
    'nonsense\r\n',
    offer.replace('v=0', 'v=1'),
    offer.replace(way, against),
    offer.replace(/a=ice-pwd.*\r\n/, ''),
    offer.replace(/a=fingerprint.*\r\n/, ''),
    offer.replace('s=-', 's=\u0000'),
    offer.replace(/m=audio/, 'm=application'),
    offerOf(Array.from({ length: 9 }, () => 'm=video 9 UDP/TLS/RTP/SAVPF 96')).replace('sendonly', way),
  ])
    expect(await post(bad), bad.slice(0, 80)).toBe('400 bad_sdp');
  expect(await post(`${offer}${'a=x:'.padEnd(32 * 1024, 'y')}\r\n`)).toBe('413 body_too_large');
  // Takes part in no room: nobody was let in.
  expect(node.rooms.has('refused')).toBe(false);
});

test.each(PROTOCOLS)(
  'W-5 W-7 ten megabytes for $name are refused by their announced length, and an endless body by what came',
  async ({ name }) => {
    const token = await stack.keys.token('ada');
    const head = (line: string) =>
      `POST /${name}/r HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: ${SDP}\r\n${line}\r\n\r\n`;
    const ask = (text: string) =>
      new Promise<string>((resolve, reject) => {
        const socket = connect(node.httpPort ?? 0, '127.0.0.1', () => socket.write(text));
        let answer = '';
        socket.setEncoding('utf8').on('data', (data) => {
          answer += data;
          if (!answer.includes('\r\n\r\n')) return;
          resolve(answer.split('\r\n', 1)[0] ?? '');
          socket.destroy();
        });
        socket.on('error', reject);
      });
    expect(await ask(head('content-length: 10485760'))).toBe('HTTP/1.1 413 Payload Too Large');
    const chunk = `8000\r\n${'a'.repeat(0x8000)}\r\n`;
    expect(await ask(`${head('transfer-encoding: chunked')}${chunk}${chunk}`)).toBe('HTTP/1.1 413 Payload Too Large');
  },
);

test.each(PROTOCOLS)(
  'W-5 W-6 W-7 $name refuses other methods with what is allowed; a page of any origin may ask',
  async ({ name, ofSession }) => {
    const ask = async (method: string, path: string) => {
      const { status, headers } = await fetch(`${origin}${path}`, { method });
      return {
        status,
        allow: headers.get('allow'),
        post: headers.get('accept-post'),
        patch: headers.get('accept-patch'),
        cors: headers.get('access-control-allow-methods'),
        origins: headers.get('access-control-allow-origin'),
      };
    };
    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'])
      expect(await ask(method, `/${name}/r`), method).toMatchObject({ status: 405, allow: 'POST, OPTIONS' });
    const ofOthers = ['GET', 'HEAD', 'PUT', 'POST'].filter((method) => !ofSession.split(', ').includes(method));
    for (const method of ofOthers)
      expect(await ask(method, `/${name}/r/s`), method).toMatchObject({ status: 405, allow: ofSession });
    expect(await ask('OPTIONS', `/${name}/r`)).toEqual({
      ...{ status: 200, allow: 'POST, OPTIONS', cors: 'POST, OPTIONS', origins: '*', post: SDP, patch: null },
    });
    expect(await ask('OPTIONS', `/${name}/r/s`)).toEqual({
      ...{ status: 200, allow: ofSession, cors: ofSession, origins: '*', post: null, patch: FRAGMENT },
    });
    // A page reads where its session is, its tag and the relays.
    const { headers } = await fetch(`${origin}/${name}/r`, { method: 'POST' });
    const exposed = headers.get('access-control-expose-headers')?.split(', ');
    for (const header of ['ETag', 'Link', 'Location', 'Retry-After']) expect(exposed).toContain(header);
    expect(await ask('GET', `/${name}`)).toMatchObject({ status: 404 });
  },
);

test.each(PROTOCOLS)(
  'W-3 W-7 PATCH of a session of $name wants its own type; one that is not there is not found',
  async ({ name }) => {
    const headers = { authorization: `Bearer ${await stack.keys.token('ada')}` };
    const patch = async (type: string, body: string) => {
      const response = await fetch(`${origin}/${name}/r/m1.none`, {
        method: 'PATCH',
        headers: { ...headers, 'content-type': type },
        body,
      });
      return [response.status, ((await response.json()) as { code: string }).code];
    };
    const candidate = 'a=mid:0\r\na=candidate:1 1 UDP 2122252543 127.0.0.1 9 typ host\r\n';
    expect(await patch(SDP, candidate)).toEqual([415, 'unsupported_media_type']);
    expect(await patch(FRAGMENT, `${candidate}${'a=x:'.padEnd(32 * 1024, 'y')}\r\n`)).toEqual([413, 'body_too_large']);
    expect(await patch(FRAGMENT, '')).toEqual([400, 'bad_sdp']);
    expect(await patch(FRAGMENT, candidate)).toEqual([404, 'not_found']);
  },
);
