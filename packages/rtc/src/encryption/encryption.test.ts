import { describe, expect, test, vi } from 'vitest';
import { random as seeded } from '../testing.ts';
import { type Bytes, fromBase64Url, toBase64Url } from './bytes.ts';
import { fingerprints } from './encrypted-connection.ts';
import {
  clearBytes,
  FrameDecryptor,
  FrameEncryptor,
  GENERATIONS,
  newSenderKey,
  nextGeneration,
  type SenderKey,
} from './frame-cipher.ts';
import { ReplayWindow } from './replay-window.ts';
import { newSecret, RoomKeys, safetyNumber } from './room-keys.ts';

const bytes = (length: number, seed = 1): Bytes => {
  const chance = seeded(seed);
  return Uint8Array.from({ length }, () => Math.floor(chance() * 256));
};
async function both(key: SenderKey) {
  const decryptor = new FrameDecryptor();
  decryptor.add('ada', key);
  return { encryptor: await FrameEncryptor.create(key), decryptor };
}

describe('frames', () => {
  test('what was encrypted is decrypted, of every length, with its first bytes readable on the way', async () => {
    const { encryptor, decryptor } = await both(newSenderKey());
    // Of Opus, of a VP8 frame and of its keyframe: what a media node reads.
    expect([undefined, 'delta', 'key'].map(clearBytes)).toEqual([1, 3, 10]);
    for (const length of [0, 1, 3, 10, 11, 1200, 60_000])
      for (const clear of [clearBytes(undefined), clearBytes('delta'), clearBytes('key')]) {
        const frame = bytes(length, length + 1);
        const sealed = await encryptor.encrypt(frame, clear);
        expect(sealed).toHaveLength(length + 26);
        expect(sealed.slice(0, Math.min(clear, length))).toEqual(frame.slice(0, clear));
        expect(await decryptor.decrypt('ada', sealed)).toEqual(frame);
      }
  });

  test('the same frame twice looks different', async () => {
    const { encryptor } = await both(newSenderKey());
    const [one, two] = [await encryptor.encrypt(bytes(100), 1), await encryptor.encrypt(bytes(100), 1)];
    expect(one.slice(1, 80)).not.toEqual(two.slice(1, 80));
  });

  test('a changed bit anywhere, a cut, random bytes, another key: nothing comes out, nothing throws', async () => {
    const { encryptor, decryptor } = await both(newSenderKey());
    const sealed = await encryptor.encrypt(bytes(60), 3);
    for (let i = 0; i < sealed.length; i++) {
      const forged = sealed.slice();
      forged[i] = (forged[i] ?? 0) ^ 1;
      expect(await decryptor.decrypt('ada', forged), `byte ${i}`).toBeUndefined();
    }
    for (let length = 0; length < sealed.length; length++)
      expect(await decryptor.decrypt('ada', sealed.slice(0, length))).toBeUndefined();
    for (let seed = 0; seed < 200; seed++) expect(await decryptor.decrypt('ada', bytes(seed, seed))).toBeUndefined();
    expect(await (await both(newSenderKey())).decryptor.decrypt('ada', sealed)).toBeUndefined();
    expect(await decryptor.decrypt('ada', sealed), 'and the right one still opens').toEqual(bytes(60));
  });

  test('a later generation is derived by who has an earlier one, and opens nothing that was said before', async () => {
    const first = newSenderKey();
    let last = first;
    for (let i = 0; i < 5; i++) last = await nextGeneration(last);
    const early = await both(first);
    const late = await both(last);
    const before = await early.encryptor.encrypt(bytes(50), 1);
    const after = await late.encryptor.encrypt(bytes(50), 1);
    expect(await early.decryptor.decrypt('ada', after)).toEqual(bytes(50));
    expect(await late.decryptor.decrypt('ada', before)).toBeUndefined();
  });

  test('a forged generation moves nothing: frames of the present one still open', async () => {
    const { encryptor, decryptor } = await both(newSenderKey());
    const forged = (await encryptor.encrypt(bytes(50), 1)).slice();
    forged[forged.length - 6] = GENERATIONS - 1;
    expect(await decryptor.decrypt('ada', forged)).toBeUndefined();
    expect(await decryptor.decrypt('ada', await encryptor.encrypt(bytes(50), 1))).toEqual(bytes(50));
  });

  test('whatever generations trailers name, each is derived once', async () => {
    const { encryptor, decryptor } = await both(newSenderKey());
    const frame = await encryptor.encrypt(bytes(50), 1);
    const derive = vi.spyOn(crypto.subtle, 'deriveBits');
    try {
      for (const last of [GENERATIONS - 1, GENERATIONS - 2, GENERATIONS - 1])
        for (let generation = last; generation > 0; generation--) {
          const forged = frame.slice();
          forged[forged.length - 6] = generation;
          expect(await decryptor.decrypt('ada', forged)).toBeUndefined();
        }
      // The next generation, its frame key, its salt.
      expect(derive.mock.calls.length).toBeLessThanOrEqual(3 * GENERATIONS);
    } finally {
      derive.mockRestore();
    }
    expect(await decryptor.decrypt('ada', frame), 'and the true one opens').toEqual(bytes(50));
  });

  test('a frame opens once, however often it is brought, also at the same time, and late ones still do', async () => {
    const { encryptor, decryptor } = await both(newSenderKey());
    const frames = await Promise.all([1, 2, 3, 4].map((n) => encryptor.encrypt(bytes(20, n), 1)));
    const [first, second, third, fourth] = frames as [Bytes, Bytes, Bytes, Bytes];
    const twice = await Promise.all([decryptor.decrypt('ada', third), decryptor.decrypt('ada', third)]);
    expect(twice.filter((plain) => plain !== undefined)).toEqual([bytes(20, 3)]);
    expect(await decryptor.decrypt('ada', first)).toEqual(bytes(20, 1));
    for (const old of [first, third]) expect(await decryptor.decrypt('ada', old)).toBeUndefined();
    const forged = second.slice();
    forged[5] = (forged[5] ?? 0) ^ 1;
    expect(await decryptor.decrypt('ada', forged)).toBeUndefined();
    expect(await decryptor.decrypt('ada', second), 'a forged one does not use its number up').toEqual(bytes(20, 2));
    expect(await decryptor.decrypt('ada', fourth)).toEqual(bytes(20, 4));
  });

  test('the same key given again does not open the same frames again', async () => {
    const key = newSenderKey();
    const { encryptor, decryptor } = await both(key);
    const frame = await encryptor.encrypt(bytes(20), 1);
    expect(await decryptor.decrypt('ada', frame)).toEqual(bytes(20));
    decryptor.add('ada', key);
    expect(await decryptor.decrypt('ada', frame)).toBeUndefined();
  });

  test('a frame opens as its owner only, also when two have keys of one id; who left is forgotten', async () => {
    const ada = newSenderKey();
    const { encryptor, decryptor } = await both(ada);
    decryptor.add('bob', { ...newSenderKey(), id: ada.id });
    const frame = await encryptor.encrypt(bytes(9), 1);
    expect(await decryptor.decrypt('bob', frame)).toBeUndefined();
    expect(await decryptor.decrypt('nobody', frame)).toBeUndefined();
    expect(await decryptor.decrypt('ada', frame)).toEqual(bytes(9));
    decryptor.forget('bob');
    expect(await decryptor.decrypt('ada', await encryptor.encrypt(bytes(9), 1))).toEqual(bytes(9));
    decryptor.forget('ada');
    expect(await decryptor.decrypt('ada', await encryptor.encrypt(bytes(9), 1))).toBeUndefined();
  });

  test('of one sender three keys are kept: a frame of the one before still opens after a change', async () => {
    const keys = Array.from({ length: 4 }, newSenderKey);
    const decryptor = new FrameDecryptor();
    for (const key of keys) decryptor.add('ada', key);
    const opened = await Promise.all(
      keys.map(async (key) => decryptor.decrypt('ada', await (await FrameEncryptor.create(key)).encrypt(bytes(5), 1))),
    );
    expect(opened.map((frame) => frame !== undefined)).toEqual([false, true, true, true]);
  });

  test('a key ends after 256 generations', async () => {
    await expect(nextGeneration({ ...newSenderKey(), generation: GENERATIONS - 1 })).rejects.toThrow(RangeError);
  });
});

describe('people', () => {
  const dtls = 'SHA-256 AA:BB';

  test('with the same secret and room one is known; with another secret, room, key or fingerprint not', async () => {
    const secret = newSecret();
    const [ada, bob] = [await RoomKeys.create(secret, 'room'), await RoomKeys.create(secret, 'room')];
    const said = await ada.announce(dtls);
    expect(await bob.verify(said)).toEqual({ publicKey: ada.publicKey, dtls });
    expect(await (await RoomKeys.create(newSecret(), 'room')).verify(said)).toBeUndefined();
    expect(await (await RoomKeys.create(secret, 'other')).verify(said)).toBeUndefined();
    expect(await bob.verify({ ...said, dtls: 'SHA-256 AA:BC' })).toBeUndefined();
    expect(await bob.verify({ ...said, key: (await bob.announce(dtls)).key })).toBeUndefined();
  });

  test('whatever a peer says in place of an announcement is somebody without the key', async () => {
    const keys = await RoomKeys.create(newSecret(), 'room');
    const good = await keys.announce(dtls);
    const bad = [undefined, null, 1, 'x', [], {}, { ...good, v: 1 }, { ...good, key: 7 }, { ...good, mac: 'ä' }];
    for (const said of [...bad, { ...good, key: 'A'.repeat(1e6) }, { ...good, dtls: 'x'.repeat(201) }])
      expect(await keys.verify(said)).toBeUndefined();
  });

  const known = (who: RoomKeys) => ({ publicKey: who.publicKey, dtls });
  const there = { from: 'ada', to: 'bob' };

  test('a message is read by the two it is between, in its own direction only', async () => {
    const secret = newSecret();
    const [ada, bob, eve] = await Promise.all([1, 2, 3].map(() => RoomKeys.create(secret, 'room')));
    if (!ada || !bob || !eve) throw new Error('three people');
    const sealed = await (await ada.sealWith(known(bob))).close({ text: 'für dich' }, there);
    const opened = await bob.sealWith(known(ada));
    expect(await (await ada.sealWith(known(bob))).open(sealed, there), 'reflected').toBeUndefined();
    expect(await (await eve.sealWith(known(ada))).open(sealed, there), 'with the secret alone').toBeUndefined();
    for (const junk of [undefined, 5, '', 'AAAA', '€', sealed.slice(0, -2)])
      expect(await opened.open(junk, there)).toBeUndefined();
    for (const other of [
      { from: 'eve', to: 'bob' },
      { from: 'ada', to: 'eve' },
      { from: 'bob', to: 'ada' },
    ])
      expect(await opened.open(sealed, other), 'passed on under another name').toBeUndefined();
    expect(await opened.open(sealed, there)).toEqual({ text: 'für dich' });
    expect(await opened.open(sealed, there), 'a second time').toBeUndefined();
  });

  test('with somebody who copied my own announcement I read nothing that I said', async () => {
    const ada = await RoomKeys.create(newSecret(), 'room');
    const seal = await ada.sealWith(known(ada));
    const sealed = await seal.close('hello', { from: 'ada', to: 'copy' });
    expect(await seal.open(sealed, { from: 'copy', to: 'ada' })).toBeUndefined();
  });

  test('a long message is sealed too', async () => {
    const secret = newSecret();
    const [ada, bob] = [await RoomKeys.create(secret, 'r'), await RoomKeys.create(secret, 'r')];
    const sealed = await (await ada.sealWith(known(bob))).close('x'.repeat(150_000), there);
    expect(await (await bob.sealWith(known(ada))).open(sealed, there)).toBe('x'.repeat(150_000));
  });

  test('a secret is 22 characters of base64url', async () => {
    expect(newSecret()).toMatch(/^[\w-]{22}$/);
    for (const secret of ['', 'short', 'ä'.repeat(22), newSecret() + newSecret()])
      await expect(RoomKeys.create(secret, 'room')).rejects.toThrow('secret: 22 characters');
  });

  test('the safety number does not depend on the order, and changes with one person', async () => {
    const [a, b, c] = [bytes(65, 1), bytes(65, 2), bytes(65, 3)];
    const number = await safetyNumber([a, b]);
    expect(number).toMatch(/^(\d{5} ){5}\d{5}$/);
    expect(await safetyNumber([b, a])).toBe(number);
    expect(await safetyNumber([a, c])).not.toBe(number);
    expect(await safetyNumber([a, b, c])).not.toBe(number);
  });
});

test('base64url there and back; what is none is undefined', () => {
  for (let length = 0; length < 70; length++)
    expect(fromBase64Url(toBase64Url(bytes(length, length)), 70)).toEqual(bytes(length, length));
  for (const bad of ['+', '=', 'a b', 'A', 3, undefined, 'A'.repeat(100)])
    expect(fromBase64Url(bad, 10)).toBeUndefined();
});

test('fingerprints of a description, once each, whatever their spelling', () => {
  const sdp = 'v=0\r\na=fingerprint:sha-256 aa:0B\r\nm=audio\r\na=fingerprint:SHA-256 AA:0b\r\n';
  expect(fingerprints(sdp)).toEqual(['SHA-256 AA:0B']);
  expect(fingerprints('')).toEqual([]);
});

test('a window of numbers: what a set of all would say, for those that are not too old', () => {
  const chance = seeded(7);
  const [window, all] = [new ReplayWindow(), new Set<number>()];
  let highest = 0;
  for (let i = 0; i < 50_000; i++) {
    const jump = chance() < 0.001 ? 20_000 : 40;
    const number = Math.max(0, highest + Math.floor((chance() - 0.7) * jump));
    const expected = number > highest - 8192 && !all.has(number);
    expect(window.add(number), `${number} at ${highest}`).toBe(expected);
    if (expected) all.add(number);
    highest = Math.max(highest, number);
  }
  expect([...all].filter((number) => number > highest - 8192 && !window.has(number))).toEqual([]);
});
