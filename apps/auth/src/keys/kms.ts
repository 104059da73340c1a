/**
 * Signing keys in AWS KMS (key spec ECC_NIST_P256, usage SIGN_VERIFY): the private key never leaves it.
 *
 * KMS does not rotate asymmetric keys, so the setting is the timetable: `kms:A,B` publishes both and signs with A;
 * deploying `kms:B,A` afterwards signs with B; `kms:B` retires A. docs/auth.md has the runbook.
 */
import { createHash, createPublicKey } from 'node:crypto';
import { GetPublicKeyCommand, type KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { guard, type Logger, ProblemError, UnavailableError } from '@tandem/service';
import { calculateJwkThumbprint, type JWK } from 'jose';
import type { KeySource, SigningKey } from './key-source.ts';

/** How long a fetched public key is used before it is fetched again, ms. A KMS key never changes; this only notices a moved alias. */
const PUBLIC_KEY_FRESH_MS = 600_000;
const MAX_KEYS = 8;
/** Signatures in flight; beyond them a queue, beyond that a 503: KMS throttles ECC signing per account and region. */
const CONCURRENT = 50;
const QUEUE = 500;

/** DER (SEQUENCE of two INTEGERs, as KMS answers) to the raw r‖s of JWS ES256. @throws when it is not P-256 */
export function derToRaw(der: Uint8Array): Uint8Array {
  const wrong = () => new Error('KMS: the signature is not a P-256 DER signature');
  const raw = new Uint8Array(64);
  if (der[0] !== 0x30 || der[1] !== der.length - 2) throw wrong();
  let at = 2;
  for (const end of [32, 64]) {
    const length = der[at + 1] ?? 0;
    if (der[at] !== 0x02 || length === 0 || at + 2 + length > der.length) throw wrong();
    let value = der.subarray(at + 2, at + 2 + length);
    while (value.length > 32 && value[0] === 0) value = value.subarray(1);
    if (value.length > 32) throw wrong();
    raw.set(value, end - value.length);
    at += 2 + length;
  }
  if (at !== der.length) throw wrong();
  return raw;
}

/** @param ids key ids, ARNs or aliases; the first signs */
export function kmsSource(ids: readonly string[], client: KMSClient, log?: Logger): KeySource {
  if (ids.length === 0 || ids.length > MAX_KEYS) throw new Error(`KEY_SOURCE: kms takes 1 to ${MAX_KEYS} keys`);
  const cache = new Map<string, { key: SigningKey; at: number }>();
  // One attempt: the SDK repeats what KMS throttles.
  const kms = guard({ name: 'kms', attempts: 1, timeoutMs: 3000, concurrency: CONCURRENT, queue: QUEUE, log });

  async function fetchKey(id: string): Promise<SigningKey> {
    const answer = await client.send(new GetPublicKeyCommand({ KeyId: id }));
    if (!answer.PublicKey || answer.KeySpec !== 'ECC_NIST_P256' || answer.KeyUsage !== 'SIGN_VERIFY')
      throw new Error(`KEY_SOURCE: KMS key ${id} must be of spec ECC_NIST_P256 and usage SIGN_VERIFY`);
    const jwk = createPublicKey({ key: Buffer.from(answer.PublicKey), format: 'der', type: 'spki' }).export({
      format: 'jwk',
    }) as JWK;
    // The key behind an alias now: a signature must never come from another one.
    const keyId = answer.KeyId ?? id;
    return {
      kid: await calculateJwkThumbprint(jwk),
      alg: 'ES256',
      jwk,
      sign: (data) =>
        kms
          .run((abortSignal) => sign(client, { keyId, data, abortSignal }))
          .catch((error: unknown) => {
            if (error instanceof UnavailableError) throw error;
            throw new ProblemError(503, 'unavailable', 'The signing key is away; try again soon.', {
              retryAfter: 2,
              cause: error,
            });
          }),
    };
  }

  return {
    description: `kms, ${ids.length} key(s)`,
    health: () => kms.health(),
    async load(now) {
      const keys = await Promise.all(
        ids.map(async (id) => {
          const cached = cache.get(id);
          if (cached && now - cached.at < PUBLIC_KEY_FRESH_MS) return cached.key;
          const key = await fetchKey(id);
          cache.set(id, { key, at: now });
          return key;
        }),
      );
      const [signing] = keys;
      if (!signing) throw new Error('KEY_SOURCE: kms names no key');
      return { signing, published: keys };
    },
  };
}

async function sign(
  client: KMSClient,
  { keyId, data, abortSignal }: { keyId: string; data: Uint8Array; abortSignal: AbortSignal },
): Promise<Uint8Array> {
  const { Signature } = await client.send(
    new SignCommand({
      KeyId: keyId,
      Message: createHash('sha256').update(data).digest(),
      MessageType: 'DIGEST',
      SigningAlgorithm: 'ECDSA_SHA_256',
    }),
    { abortSignal },
  );
  if (!Signature) throw new Error('KMS: no signature');
  return derToRaw(Signature);
}
