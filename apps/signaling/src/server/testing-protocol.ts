/** What the tests of the protocol share: one node behind real sockets, and its clients. */
import { afterAll } from 'vitest';
import { connectClient, startTestKeys, startTestNode } from '../testing.ts';

/** A node that ends with the file's tests. */
export async function protocolSuite() {
  const keys = await startTestKeys();
  const node = await startTestNode({ keys, config: { GRACE_MS: 60_000, MAX_FRAME_BYTES: 16_384 } });
  afterAll(async () => {
    await node[Symbol.asyncDispose]();
    await keys[Symbol.asyncDispose]();
  });
  let rooms = 0;
  const newRoom = () => `room-${++rooms}`;
  const client = async (userId: string, grants?: object) => connectClient(node, await keys.token(userId, grants));
  /** Two in one room. */
  const pair = async (grants?: object) => {
    const room = newRoom();
    const a = await client('ada', grants);
    await a.join(room);
    const b = await client('bob');
    await b.join(room);
    await a.next('peer_joined');
    return { room, a, b, aId: a.welcome.peerId as string, bId: b.welcome.peerId as string };
  };
  return { keys, node, newRoom, client, pair };
}
