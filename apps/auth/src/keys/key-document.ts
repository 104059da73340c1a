/**
 * A set of signing keys with its timetable, as the file and secrets-manager sources keep it.
 *
 * Rotation is a timetable and not a sequence of commands, so that any number of processes agree on it without talking:
 * a key is published as soon as it stands in the document, signs from `activeFrom`, stops when its successor's
 * `activeFrom` has come, and is retired when no token of it can be valid any more.
 */
import { createPrivateKey, generateKeyPair, type JsonWebKeyInput, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, type JWK } from 'jose';
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/value';
import type { KeySet, SigningKey, TokenAlgorithm } from './key-source.ts';

const generate = promisify(generateKeyPair);

/** Most keys of a document. */
const MAX_KEYS = 16;

export const KeyDocument = Type.Object({
  version: Type.Literal(1),
  keys: Type.Array(
    Type.Object({
      kid: Type.String({ minLength: 1, maxLength: 128 }),
      alg: Type.Union([Type.Literal('ES256'), Type.Literal('EdDSA')]),
      /** ms since the epoch */
      createdAt: Type.Integer(),
      /** ms since the epoch; signs from here on */
      activeFrom: Type.Integer(),
      /** Private key. */
      jwk: Type.Object({ kty: Type.String(), crv: Type.String(), x: Type.String(), d: Type.String() }),
    }),
    { minItems: 1, maxItems: MAX_KEYS },
  ),
});
export type KeyDocument = Static<typeof KeyDocument>;

export interface Timetable {
  readonly algorithm: TokenAlgorithm;
  /** Age at which a key is replaced, ms; 0: never. */
  readonly rotateEveryMs: number;
  /** From publishing to the first signature, ms. */
  readonly publishAheadMs: number;
  /** From the last signature to leaving the JWKS, ms: over the longest token life plus skew. */
  readonly retireAfterMs: number;
}

/** @throws Error (not quoting the content) when it is not a key document */
export function parseKeyDocument(text: string, where: string): KeyDocument {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`KEY_SOURCE: ${where} does not hold JSON`);
  }
  if (!Check(KeyDocument, value)) throw new Error(`KEY_SOURCE: ${where} does not hold a key document (version 1)`);
  return value;
}

async function newKey(algorithm: TokenAlgorithm, now: number, activeFrom: number) {
  const pair =
    algorithm === 'ES256'
      ? await generate('ec', { namedCurve: 'P-256' })
      : await generate('ed25519', undefined as never);
  const jwk = (pair as { privateKey: KeyObject }).privateKey.export({ format: 'jwk' }) as JWK;
  const kid = await calculateJwkThumbprint(jwk);
  return { kid, alg: algorithm, createdAt: now, activeFrom, jwk: jwk as KeyDocument['keys'][number]['jwk'] };
}

/** A document with one key that signs at once. */
export async function firstDocument(algorithm: TokenAlgorithm, now: number): Promise<KeyDocument> {
  return { version: 1, keys: [await newKey(algorithm, now, now)] };
}

const byActivation = (doc: KeyDocument) => [...doc.keys].sort((a, b) => a.activeFrom - b.activeFrom);

/** Keys that still have to be published: the signing one, coming ones, and those whose last tokens still live. */
function living(doc: KeyDocument, now: number, retireAfterMs: number): KeyDocument['keys'] {
  const keys = byActivation(doc);
  return keys.filter((_, i) => {
    const successor = keys[i + 1];
    return !successor || successor.activeFrom + retireAfterMs > now;
  });
}

/**
 * Add a successor, whether one is due or not. It is published now and signs after `publishAheadMs`.
 * @throws Error when none has room: a larger document is refused by all that read it
 */
export async function rotate(doc: KeyDocument, now: number, timetable: Timetable): Promise<KeyDocument> {
  const keys = living(doc, now, timetable.retireAfterMs);
  if (keys.length >= MAX_KEYS)
    throw new Error(
      `KEY_SOURCE: ${MAX_KEYS} keys are in use, and no more fit. Fix: rotate again when tokens of the older ones have expired (${(timetable.publishAheadMs + timetable.retireAfterMs) / 60_000} minutes)`,
    );
  return { version: 1, keys: [...keys, await newKey(timetable.algorithm, now, now + timetable.publishAheadMs)] };
}

/** Is it time to publish a successor, so that it can take over at the age of `rotateEveryMs`? */
export function rotationDue(doc: KeyDocument, now: number, timetable: Timetable): boolean {
  const newest = byActivation(doc).at(-1);
  if (!newest || timetable.rotateEveryMs <= 0) return false;
  return newest.activeFrom + timetable.rotateEveryMs - timetable.publishAheadMs <= now;
}

const imported = new WeakMap<object, KeyObject>();
function privateKey(jwk: KeyDocument['keys'][number]['jwk']): KeyObject {
  let key = imported.get(jwk);
  if (!key) {
    key = createPrivateKey({ key: jwk, format: 'jwk' } as JsonWebKeyInput);
    imported.set(jwk, key);
  }
  return key;
}

/** What the document says for this moment. */
export function keySetOf(doc: KeyDocument, now: number, timetable: Timetable): KeySet {
  const keys = living(doc, now, timetable.retireAfterMs).map((entry): SigningKey => {
    const { d: _private, ...publicJwk } = entry.jwk;
    return {
      kid: entry.kid,
      alg: entry.alg,
      jwk: publicJwk,
      sign: (data) =>
        new Promise((resolve, reject) => {
          const key = { key: privateKey(entry.jwk), dsaEncoding: 'ieee-p1363' as const };
          sign(entry.alg === 'ES256' ? 'sha256' : null, data, key, (error, signature) =>
            error ? reject(error) : resolve(signature),
          );
        }),
    };
  });
  const active = byActivation(doc).filter((k) => k.activeFrom <= now);
  const kid = (active.at(-1) ?? byActivation(doc)[0])?.kid;
  const signing = keys.find((k) => k.kid === kid);
  if (!signing) throw new Error('KEY_SOURCE: no key may sign now');
  return { signing, published: keys, at: (then) => keySetOf(doc, then, timetable) };
}
