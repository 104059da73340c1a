/** What a room of which this node was called becomes when it is over before the node serves it: real Redis and signaling, the fake engine. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callNode, connectRedis, loadConfig, readMediaNodes } from '@tandem/service';
import { startRedis } from '@tandem/service/testing';
import { startTestKeys, startTestNode } from '@tandem/signaling/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { findHost } from '../../node-kit/host.ts';
import { MediaNodeConfig } from './config.ts';
import { startMediaNode } from './media-node.ts';
import { FakeEngine } from './testing/fake-engine.ts';

const WAIT = { timeout: 15_000, interval: 20 };

test('a session that ends while Redis is asked whether the room is still this node’s leaves no room behind', async () => {
  await using redis = await startRedis();
  await using keys = await startTestKeys();
  await using signaling = await startTestNode({ keys });
  const folder = await mkdtemp(join(tmpdir(), 'media-node-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const config = loadConfig(MediaNodeConfig, {
    RUN_DIR: folder,
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: '0',
    SIGNALING_URL: signaling.wsUrl,
    AUTH_URL: 'http://127.0.0.1:9',
    MEDIA_SECRET: 'x'.repeat(43),
    REDIS_URL: redis.url,
    NODE_ID: 'm1',
    PUBLIC_IP: '192.0.2.1',
  });
  const directory = connectRedis(redis.url);
  const asked: string[] = [];
  const again = { is: false };
  await using node = await startMediaNode(config, {
    host: await findHost(config),
    startEngine: async () => new FakeEngine(),
    say: () => {},
    token: async (room) => {
      // Redis answers again after the session has ended.
      if (!again.is) await directory.client('PAUSE', 2500, 'ALL');
      asked.push(room);
      const token = await keys.token(`media-${room}`, { rooms: [room], media: true, duplicate: 'newest' });
      if (!again.is) setTimeout(() => keys.revoke('user', `media-${room}`), 600);
      return token;
    },
    tickMs: 50,
  });
  await vi.waitFor(async () => expect((await readMediaNodes(directory)).get('m1')?.state).toBe('serving'), WAIT);
  expect(await callNode(directory, 'brief', 'm1')).toBe(true);
  await vi.waitFor(() => expect(asked).toEqual(['brief']), WAIT);
  // Answered once the pause is over.
  await directory.ping();
  again.is = true;
  expect(await callNode(directory, 'good', 'm1')).toBe(true);
  await vi.waitFor(() => expect([...node.rooms.keys()]).toEqual(['good']), WAIT);
  directory.disconnect();
}, 60_000);
