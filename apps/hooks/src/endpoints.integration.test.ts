/** Changes of one endpoint that come at once: none undoes another. */
import { connectRedis } from '@tandem/service';
import { startRedis } from '@tandem/service/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { publicKeyOf } from './delivery/signature.ts';
import { Endpoints, publicKeysOf } from './endpoints.ts';
import { keys } from './keys.ts';
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

  // A pair goes on as a pair; no private half is shown, and none is in Redis as it is.
  const sealed = await endpoints.create({
    url: 'https://b.example/',
    description: '',
    types: [],
    rooms: ['a*'],
    signature: 'v1a',
  });
  const next = (await endpoints.rotate(sealed?.endpoint.id ?? '')) ?? '';
  const kept = (await endpoints.get(sealed?.endpoint.id ?? '')) ?? expect.fail('it is gone');
  expect(publicKeysOf(kept)).toEqual([next, sealed?.secret]);
  expect(publicKeysOf(kept).every((key) => /^whpk_[A-Za-z0-9+/]{43}=$/.test(key))).toBe(true);
  expect(endpoints.secretsOf(kept).map(publicKeyOf)).toEqual(publicKeysOf(kept));
  expect((await redis.hvals(keys.endpoints)).join()).not.toMatch(/wh(sk|sec)_/);

  // A task of before pairs opens boxes as those of the endpoint, and takes what is in them for shared secrets.
  const box = new SecretBox(Buffer.alloc(32, 7).toString('base64url'));
  const [first] = kept.secrets;
  expect(() => box.open(first?.box ?? '', kept.id)).toThrow();
  // It rotates without the public keys, and what was written before this was so opens as well.
  const { publicKey: _, ...older } = first ?? expect.fail('it has no secret');
  const mixed = { ...kept, secrets: [older, { box: box.close('whsk_abc', kept.id), publicKey: 'whpk_abc' }] };
  expect(endpoints.secretsOf(mixed)).toEqual([endpoints.secretsOf(kept)[0], 'whsk_abc']);

  const [changed, , rotated] = await Promise.all([append('e'), endpoints.remove(id), endpoints.rotate(id)]);
  expect([changed, rotated, await endpoints.get(id)]).toEqual([undefined, undefined, undefined]);

  // Removed through another task: who finds that out has it in its list no more either.
  const listed = async () => (await endpoints.all()).map((one) => one.id);
  expect(await listed()).toEqual([kept.id]);
  await redis.hdel(keys.endpoints, kept.id);
  expect(await endpoints.change(kept.id, (one) => one)).toBeUndefined();
  expect(await listed()).toEqual([]);
  redis.disconnect();
});

test('E-4 the secret that a receiver has signs for its day, also when the answers of further rotations were lost', async () => {
  await using server = await startRedis();
  const redis = connectRedis(server.url);
  const endpoints = new Endpoints(redis, new SecretBox(Buffer.alloc(32, 7).toString('base64url')));
  const made = await endpoints.create({ url: 'https://example.org/', description: '', types: [], rooms: ['a*'] });
  const id = made?.endpoint.id ?? '';
  const now = vi.spyOn(Date, 'now');
  onTestFinished(() => now.mockRestore());
  const start = performance.timeOrigin;
  const rotateAfter = (hours: number) => {
    now.mockReturnValue(start + hours * 3_600_000);
    return endpoints.rotate(id);
  };
  const secrets = async () => endpoints.secretsOf((await endpoints.get(id)) ?? expect.fail('it is gone'));
  const [second, third] = [await rotateAfter(0), await rotateAfter(1)];
  expect(await secrets()).toEqual([third, second, made?.secret]);
  // Each has its own day.
  now.mockReturnValue(start + 24.5 * 3_600_000);
  expect(await secrets()).toEqual([third, second]);
  const later = [await rotateAfter(25), await rotateAfter(25), await rotateAfter(25), await rotateAfter(25)];
  expect(await secrets()).toEqual([...later.reverse(), third]);
  // No more than a receiver looks at.
  const last = await rotateAfter(25);
  expect(await secrets()).toEqual([last, ...later]);
  redis.disconnect();
});
