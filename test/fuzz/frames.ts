/** Frames of a hostile client to a real signaling node, while two others talk. */
import fc from 'fast-check';
import { connectClient, startTestKeys, startTestNode, type TestClient } from '../../apps/signaling/src/testing.ts';
import { CLOSE_CODES, ERROR_CODES } from '../../packages/protocol/src/codes.ts';
import type { FuzzTarget } from './target.ts';

const TYPES = [
  ...['join', 'leave', 'offer', 'answer', 'ice-candidate', 'receipt', 'message', 'update', 'resume', 'ping', 'kick'],
  ...[
    'mute',
    'grant',
    'close-room',
    'set-entry',
    'admit',
    'refuse',
    'look',
    '__proto__',
    'constructor',
    'welcome',
    'joined',
  ],
];
const KEYS = [
  'roomId',
  'peerId',
  'publish',
  'id',
  'base',
  'sdp',
  'candidate',
  'data',
  'metadata',
  'sessionToken',
  't',
  'reason',
  'kind',
];
/** The server's own codes, and those of RFC 6455 section 7.4.1 that a WebSocket server sends for a broken frame. */
const CLOSES = new Set<number>([...Object.values(CLOSE_CODES).map((c) => c.code), 1002, 1003, 1005, 1007]);
/** The server failed: never an answer to an input. */
const FAILED = CLOSE_CODES.internal.code;

function frames(): fc.Arbitrary<string | Buffer> {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('fuzz', 'peer', '', '\ud800', '__proto__', 'x'.repeat(300), 0, -1, 1e308, null),
  );
  const fields = Object.fromEntries(KEYS.map((key) => [key, value]));
  const object = fc.record({ type: fc.oneof(fc.constantFrom(...TYPES), value), ...fields }, { requiredKeys: ['type'] });
  const text = fc.oneof(
    { weight: 6, arbitrary: object.map((o) => JSON.stringify(o)) },
    { weight: 1, arbitrary: fc.string() },
  );
  return fc.oneof(
    { weight: 6, arbitrary: text },
    // Cut, doubled or with one character changed.
    {
      weight: 2,
      arbitrary: fc
        .tuple(text, fc.nat(), fc.string({ maxLength: 2 }))
        .map(([t, at, s]) => t.slice(0, at % (t.length + 1)) + s + t.slice((at % (t.length + 1)) + s.length)),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  );
}

/** Answers are what the contract knows; the node never fails over an input. */
function expectKnown(client: TestClient): void {
  for (const { type, code } of client.heard)
    if (type === 'error' && !(String(code) in ERROR_CODES)) throw new Error(`an error code of no contract: ${code}`);
  const { closed } = client;
  if (closed !== undefined && (closed === FAILED || !CLOSES.has(closed))) throw new Error(`closed with ${closed}`);
}

export const frameTarget: FuzzTarget = {
  name: 'frames',
  open: async () => {
    const keys = await startTestKeys();
    const node = await startTestNode({ keys, config: { ALLOWED_ORIGINS: '*' } });
    const connect = async (name: string) => connectClient(node, await keys.token(name));
    const witness = await connect('witness');
    await witness.join('witness');
    return {
      attack: async (seed, runs) => {
        await fc.assert(
          fc.asyncProperty(fc.array(frames(), { minLength: 1, maxLength: 20 }), async (list) => {
            using client = await connect('mallory');
            for (const frame of list) if (client.closed === undefined) client.send(frame);
            client.send({ type: 'ping', t: 1 });
            await client.until(
              'an answer or a close',
              () => client.closed !== undefined || client.heard.some((m) => m.type === 'pong' || m.type === 'error'),
            );
            expectKnown(client);
            await witness.settle();
          }),
          { seed, numRuns: Math.ceil(runs / 10), endOnFailure: true },
        );
      },
      [Symbol.asyncDispose]: async () => {
        witness[Symbol.dispose]();
        await node[Symbol.asyncDispose]();
        await keys[Symbol.asyncDispose]();
      },
    };
  },
};
