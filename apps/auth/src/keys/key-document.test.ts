import { createPublicKey, verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { firstDocument, keySetOf, parseKeyDocument, rotate, rotationDue, type Timetable } from './key-document.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const timetable: Timetable = {
  algorithm: 'ES256',
  rotateEveryMs: 30 * DAY,
  publishAheadMs: 15 * MINUTE,
  retireAfterMs: 13 * MINUTE,
};

test('a key is published, waits, signs and retires', async () => {
  let doc = await firstDocument('ES256', 0);
  const first = doc.keys[0]?.kid;
  expect(rotationDue(doc, 29 * DAY, timetable)).toBe(false);
  const due = 30 * DAY - 15 * MINUTE;
  expect(rotationDue(doc, due, timetable)).toBe(true);
  doc = await rotate(doc, due, timetable);
  expect(rotationDue(doc, due + MINUTE, timetable)).toBe(false);
  const at = (now: number) => {
    const set = keySetOf(doc, now, timetable);
    return { signs: set.signing.kid === first ? 'old' : 'new', published: set.published.length };
  };
  expect(at(due)).toEqual({ signs: 'old', published: 2 });
  expect(at(30 * DAY - 1)).toEqual({ signs: 'old', published: 2 });
  expect(at(30 * DAY)).toEqual({ signs: 'new', published: 2 });
  expect(at(30 * DAY + 13 * MINUTE - 1)).toEqual({ signs: 'new', published: 2 });
  expect(at(30 * DAY + 13 * MINUTE)).toEqual({ signs: 'new', published: 1 });
  doc = await rotate(doc, 31 * DAY, timetable);
  expect(doc.keys.some((k) => k.kid === first)).toBe(false); // the private key is gone too
});

test('over 30 days no token is rejected by a verifier whose keys are up to 5 minutes old', async () => {
  let doc = await firstDocument('ES256', 0);
  const quick: Timetable = { ...timetable, rotateEveryMs: DAY };
  const life = 10 * MINUTE;
  let jwks: { at: number; kids: Set<string> }[] = [];
  const tokens: { kid: string; exp: number }[] = [];
  let rotations = 0;
  for (let now = 0; now < 30 * DAY; now += 5 * MINUTE) {
    if (rotationDue(doc, now, quick)) {
      doc = await rotate(doc, now, quick);
      rotations++;
    }
    const set = keySetOf(doc, now, quick);
    jwks = [...jwks.slice(-1), { at: now, kids: new Set(set.published.map((k) => k.kid)) }];
    tokens.push({ kid: set.signing.kid, exp: now + life });
    for (const token of tokens.slice(-4))
      if (token.exp > now) for (const seen of jwks) expect(seen.kids.has(token.kid)).toBe(true);
  }
  expect(rotations).toBeGreaterThan(27);
});

test('signs what its published key verifies, with both algorithms', async () => {
  for (const algorithm of ['ES256', 'EdDSA'] as const) {
    const { signing } = keySetOf(await firstDocument(algorithm, 0), 0, timetable);
    expect(signing.jwk).not.toHaveProperty('d');
    const data = Buffer.from('payload');
    const key = createPublicKey({ key: signing.jwk as never, format: 'jwk' });
    const signature = await signing.sign(data);
    expect(verify(algorithm === 'ES256' ? 'sha256' : null, data, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(
      true,
    );
  }
});

test('refuses what is not a key document without quoting it', () => {
  expect(() => parseKeyDocument('{"d":"s3cret"', 'F')).toThrow('KEY_SOURCE: F does not hold JSON');
  expect(() => parseKeyDocument('{"version":1,"keys":[]}', 'F')).toThrow(
    'KEY_SOURCE: F does not hold a key document (version 1)',
  );
});
