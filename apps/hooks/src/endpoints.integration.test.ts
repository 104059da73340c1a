/** Changes of one endpoint that come at once: none undoes another. */
import { connectRedis } from '@tandem/service';
import { startRedis } from '@tandem/service/testing';
import { expect, test } from 'vitest';
import { Endpoints } from './endpoints.ts';
import { SecretBox } from './secret-box.ts';

test('changes, rotations and a removal of one endpoint that come at once', async () => {
  await using server = await startRedis();
  const redis = connectRedis(server.url);
  const endpoints = new Endpoints(redis, new SecretBox(Buffer.alloc(32, 7).toString('base64url')));
  const made = await endpoints.create({ url: 'https://example.org/', description: '', types: [], rooms: ['a*'] });
  const id = made?.endpoint.id ?? '';
  const append = (letter: string) =>
    endpoints.change(id, (one) => ({ ...one, description: [...one.description, letter].sort().join('') }));
  const [secret] = await Promise.all([endpoints.rotate(id), ...['a', 'b', 'c', 'd'].map(append)]);
  const after = await endpoints.get(id);
  expect(after?.description).toBe('abcd');
  expect(after && endpoints.secretsOf(after)).toEqual([secret, made?.secret]);

  const [changed, , rotated] = await Promise.all([append('e'), endpoints.remove(id), endpoints.rotate(id)]);
  expect([changed, rotated, await endpoints.get(id)]).toEqual([undefined, undefined, undefined]);
  redis.disconnect();
});
