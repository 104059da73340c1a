/** What encoders and viewers send to a media node by HTTP, and what people in its rooms say to its agent. */
import fc from 'fast-check';
import { BadSdpError, readFragment, readOffer, withPath } from '../../infra/media-node/src/streams/sdp.ts';
import { createStreamApp, type StreamProtocol } from '../../infra/media-node/src/streams/stream-app.ts';
import { type StreamConnection, StreamSessions } from '../../infra/media-node/src/streams/stream-sessions.ts';
import { readCandidate, readDescription, readWant } from '../../infra/media-node/src/wire.ts';
import { descriptions } from './peer-input.ts';
import type { FuzzTarget } from './target.ts';

const NODE = 'm1';
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const TYPES = ['application/sdp', 'application/trickle-ice-sdpfrag', 'application/json', 'text/plain', ''];
const OFFER = [
  ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:0'],
  ...['a=ice-ufrag:abcd', 'a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa', 'a=fingerprint:sha-256 00:11', ''],
].join('\r\n');
const FRAGMENT = 'a=ice-ufrag:efgh\r\na=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n';

const ignore = () => {};
const connection: StreamConnection = {
  credentials: { ufrag: 'abcd', pwd: 'aaaaaaaaaaaaaaaaaaaaaaaa' },
  candidate: ignore,
  restart: async () => FRAGMENT,
  end: ignore,
};

/** Anything but an answer of the reader, or its own error, is a fault. */
function read(text: string): void {
  for (const reader of [
    () => withPath(readOffer(text, 'sends'), { ufrag: 'a', pwd: 'b' }),
    () => readOffer(text, 'receives'),
    () => readFragment(text),
  ])
    try {
      reader();
    } catch (error) {
      if (!(error instanceof BadSdpError)) throw error;
    }
}

/** What the agent of a room reads of a person. */
function told(body: unknown): void {
  readDescription(body);
  readCandidate(body);
  const want = readWant(body);
  if (want && (want.layers.length > 1000 || !Number.isSafeInteger(want.gen))) throw new Error('wishes are bounded');
}

interface StreamInput {
  readonly method: (typeof METHODS)[number];
  readonly path: string;
  readonly type: string;
  readonly ifMatch: string;
  readonly body: string;
}

/** In a path: the address of a session that is there. */
const KNOWN = '/known';

function inputs(): fc.Arbitrary<StreamInput> {
  const text = fc.string({ unit: fc.constantFrom('/', '.', '%', '2', 'e', 'f', '?', '=', 'a', '-', 'é') });
  return fc.record({
    method: fc.constantFrom(...METHODS),
    path: fc.oneof(
      fc.constantFrom(KNOWN, KNOWN, '/whip/room', '/whep/room', '/whip/a/m2.x', '/whep/%ff', '/whip/../whep/room'),
      fc.tuple(fc.constantFrom('/whip/', '/whep/', `${KNOWN}?first-picture-ms=`), text).map(([a, b]) => a + b),
    ),
    type: fc.constantFrom(...TYPES),
    ifMatch: fc.constantFrom('', '*', '"x"', 'W/"x"'),
    body: fc.oneof(descriptions(), fc.constantFrom(OFFER, FRAGMENT, '', '{}')),
  });
}

export const streamTarget: FuzzTarget = {
  name: 'streams',
  open: async () => {
    const faults: string[] = [];
    const protocol = (direction: 'sends' | 'receives'): StreamProtocol => ({
      sessions: new StreamSessions({ node: NODE, most: 10 }),
      direction,
      open: async () => ({ connection, answer: OFFER }),
      ...(direction === 'receives' ? { status: () => ({ viewers: 0 }) } : {}),
    });
    const [whip, whep] = [protocol('sends'), protocol('receives')];
    const now = Math.floor(Date.now() / 1000);
    const claims = { sub: 'ada', session_id: 's', jti: 'j', iat: now, exp: now + 3600, iss: 'i', aud: 'a' };
    const app = createStreamApp({
      trustedProxies: 1,
      verifier: { verify: async () => claims },
      isRevoked: () => false,
      ...{ whip, whep, node: NODE },
      // No other node is there.
      redis: { hgetall: () => Promise.reject(new Error('away')) } as never,
      links: async () => [],
      isLeaving: () => false,
      complain: (error) => faults.push(error),
    });
    let asked = 0;
    // Each from an address of its own, so that none is refused for the number of them.
    const headers = () => ({
      authorization: 'Bearer token',
      'x-forwarded-for': `10.${++asked >> 16}.${(asked >> 8) & 255}.${asked & 255}`,
    });
    const ask = ({ method, path, type, ifMatch, body }: StreamInput) =>
      app.inject({
        ...{ method, url: path, payload: body },
        headers: { ...headers(), ...(type && { 'content-type': type }), ...(ifMatch && { 'if-match': ifMatch }) },
      });
    return {
      attack: async (seed, runs) => {
        fc.assert(fc.property(fc.oneof(descriptions(), fc.string()), read), { seed, numRuns: runs });
        const part = fc.oneof(fc.jsonValue(), fc.record({ leg: fc.constant('up'), gen: fc.jsonValue() }));
        const body = fc.record(
          { sdp: part, candidate: part, gen: fc.nat(), layers: fc.jsonValue() },
          { requiredKeys: [] },
        );
        fc.assert(fc.property(fc.oneof(fc.jsonValue(), body), told), { seed, numRuns: runs });
        const open = { method: 'POST', type: 'application/sdp', ifMatch: '', body: OFFER } as const;
        await fc.assert(
          fc.asyncProperty(inputs(), fc.constantFrom('/whip/room', '/whep/room'), async (input, endpoint) => {
            const { headers: opened, statusCode: first } = await ask({ ...open, path: endpoint });
            if (first !== 201) throw new Error(`${first} for an offer that is right`);
            const path = input.path.replace(KNOWN, String(opened.location));
            const { statusCode } = await ask({ ...input, path });
            for (const { sessions } of [whip, whep]) sessions.endThoseOf(() => true, 'over');
            if (statusCode === 500 || faults.length > 0)
              throw new Error(`${statusCode} ${faults.join()} for ${JSON.stringify(input)}`);
          }),
          { seed, numRuns: runs, endOnFailure: true },
        );
      },
      [Symbol.asyncDispose]: () => app.close(),
    };
  },
};
