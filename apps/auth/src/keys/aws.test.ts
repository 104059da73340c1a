import { createHash, type createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createTokenVerifier } from '@tandem/service';
import { expect, test } from 'vitest';
import { startTestAuth } from '../testing.ts';
import type { Timetable } from './key-document.ts';
import { derToRaw, kmsSource } from './kms.ts';
import { secretsManagerSource } from './secrets-manager.ts';

interface AwsCall {
  readonly action: string;
  // biome-ignore lint/suspicious/noExplicitAny: the JSON protocol
  readonly input: any;
}

/** A local endpoint that speaks the AWS JSON 1.1 protocol, so the real SDK clients are under test. */
async function startAws(answer: (call: AwsCall) => object | { error: string; message?: string } | undefined) {
  const calls: AwsCall[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const call = { action: String(request.headers['x-amz-target']).split('.')[1] ?? '', input: JSON.parse(text) };
    calls.push(call);
    const result = answer(call) as { error?: string; message?: string } | undefined;
    if (!result) return; // never
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    if (result.error) {
      response.statusCode = 400;
      response.end(JSON.stringify({ __type: result.error, message: result.message ?? '' }));
    } else response.end(JSON.stringify(result));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
  };
  return {
    calls,
    client,
    [Symbol.dispose]: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function kmsWith(ids: string[]) {
  const keys = new Map(ids.map((id) => [id, generateKeyPairSync('ec', { namedCurve: 'P-256' })]));
  return (call: AwsCall) => {
    const key = keys.get(call.input.KeyId);
    if (!key) return { error: 'NotFoundException', message: `Key ${call.input.KeyId} does not exist` };
    if (call.action === 'GetPublicKey') {
      const der = key.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
      return { KeyId: call.input.KeyId, PublicKey: der, KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' };
    }
    // A digest, signed without hashing again: what KMS does with MessageType DIGEST.
    expect(call.input).toMatchObject({ MessageType: 'DIGEST', SigningAlgorithm: 'ECDSA_SHA_256' });
    const digest = Buffer.from(call.input.Message, 'base64');
    return { KeyId: call.input.KeyId, Signature: signDigest(key.privateKey, digest).toString('base64') };
  };
}

/** Node signs messages, not digests; so the fake looks up the message it knows the digest of. */
const messages = new Map<string, Buffer>();
function signDigest(key: ReturnType<typeof createPrivateKey>, digest: Buffer): Buffer {
  const message = messages.get(digest.toString('hex'));
  if (!message) throw new Error('unknown digest');
  return sign('sha256', message, key);
}
function remember(data: Uint8Array): Uint8Array {
  messages.set(createHash('sha256').update(data).digest('hex'), Buffer.from(data));
  return data;
}

test('KMS signs by API; public keys are asked for once; rotation is the order of the setting', async () => {
  using aws = await startAws(kmsWith(['A', 'B']));
  const kms = new KMSClient(aws.client);
  const before = kmsSource(['A', 'B'], kms);
  const set = await before.load(0);
  await before.load(60_000);
  expect(aws.calls.map((c) => c.action)).toEqual(['GetPublicKey', 'GetPublicKey']);
  const after = await kmsSource(['B', 'A'], kms).load(0);
  expect(after.signing.kid).toBe(set.published[1]?.kid);
  expect(after.published.map((k) => k.kid).sort()).toEqual(set.published.map((k) => k.kid).sort());

  // A token through the whole service, checked by the verifier that signaling uses.
  const wrap = (signing: typeof set.signing) => ({
    ...signing,
    sign: (data: Uint8Array) => signing.sign(remember(data)),
  });
  await using auth = await startTestAuth(
    {},
    { keySource: { description: 'kms', load: async () => ({ ...set, signing: wrap(set.signing) }) } },
  );
  const { token } = await auth.login('ada');
  using verifier = createTokenVerifier({ jwksUrl: auth.jwksUrl, issuer: 'tandem', audience: 'tandem' });
  expect(await verifier.verify(token)).toMatchObject({ sub: 'ada' });
  expect(aws.calls.at(-1)).toMatchObject({ action: 'Sign', input: { KeyId: 'A' } });
});

test('KMS away: after some failures signing is refused at once with a 503, and auth says so in its readiness', async () => {
  const key = kmsWith(['A']);
  let away = false;
  using aws = await startAws((call) => (away ? { error: 'KMSInternalException' } : key(call)));
  const source = kmsSource(['A'], new KMSClient(aws.client));
  await using auth = await startTestAuth({}, { keySource: source });
  away = true;
  for (let i = 0; i < 5; i++) {
    const failed = await auth.post('/auth/token', { userId: 'ada' });
    expect([failed.status, failed.headers.get('retry-after')]).toEqual([503, '2']);
    expect(JSON.stringify(failed.body)).not.toContain('KMSInternal');
  }
  const asked = aws.calls.length;
  const answer = await auth.post('/auth/token', { userId: 'ada' });
  expect([answer.status, answer.body.code, answer.headers.has('retry-after')]).toEqual([503, 'unavailable', true]);
  expect(aws.calls).toHaveLength(asked);
  expect((await auth.get('/health/ready')).body.dependencies.keys).toMatchObject({ state: 'degraded' });
});

test('KMS slower than we ask: what finds the queue full is a 503 at once', async () => {
  const key = kmsWith(['A']);
  using aws = await startAws((call) => (call.action === 'Sign' ? undefined : key(call)));
  const source = kmsSource(['A'], new KMSClient(aws.client));
  await using auth = await startTestAuth({}, { keySource: source });
  const { signing } = await source.load(Date.now());
  const waiting = Array.from({ length: 550 }, () => signing.sign(new Uint8Array(1)).catch((e: Error) => e.message));
  const answer = await auth.post('/auth/token', { userId: 'ada' });
  expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([503, 'unavailable', '1']);
  expect(auth.logged.some((line) => JSON.stringify(line).includes('bulkhead-full'))).toBe(true);
  // None of those that wait was turned away for it.
  aws[Symbol.dispose]();
  expect(await Promise.all(waiting)).not.toContainEqual(expect.stringContaining('bulkhead-full'));
});

test('KMS: a missing key or one of another kind is a clear error', async () => {
  using aws = await startAws((call) =>
    call.input.KeyId === 'rsa'
      ? { KeyId: 'rsa', PublicKey: 'AA==', KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' }
      : { error: 'NotFoundException', message: 'no such key' },
  );
  const kms = new KMSClient(aws.client);
  await expect(kmsSource(['rsa'], kms).load(0)).rejects.toThrow('must be of spec ECC_NIST_P256');
  await expect(kmsSource(['gone'], kms).load(0)).rejects.toThrow('no such key');
  expect(() => kmsSource([], kms)).toThrow('KEY_SOURCE');
});

test('DER signatures become 64 raw bytes, for many signatures, and garbage is refused', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  for (let i = 0; i < 300; i++) expect(derToRaw(sign('sha256', Buffer.from(`${i}`), privateKey))).toHaveLength(64);
  const der = sign('sha256', Buffer.from('x'), privateKey);
  for (let cut = 0; cut < der.length; cut++) expect(() => derToRaw(der.subarray(0, cut))).toThrow('KMS');
});

const timetable: Timetable = {
  algorithm: 'ES256',
  rotateEveryMs: 1_000_000,
  publishAheadMs: 1000,
  retireAfterMs: 2000,
};

/** One secret with versions, as Secrets Manager keeps it: a version's token is used once. */
function secretWith(first: string | undefined) {
  const versions = new Map<string, string>();
  let current = first === undefined ? '' : 'v0';
  if (first !== undefined) versions.set('v0', first);
  return (call: AwsCall) => {
    if (call.action === 'GetSecretValue') {
      if (!current)
        return {
          error: 'ResourceNotFoundException',
          message: "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
        };
      return { SecretString: versions.get(current), VersionId: current };
    }
    const { ClientRequestToken: token, SecretString: text } = call.input;
    expect(token.length).toBeGreaterThanOrEqual(32);
    expect(token.length).toBeLessThanOrEqual(64);
    if (versions.has(token) && versions.get(token) !== text) return { error: 'ResourceExistsException' };
    versions.set(token, text);
    current = token;
    return { VersionId: token };
  };
}

test.each([
  ['without a value', undefined],
  ['empty', '{}'],
])('Secrets Manager: a secret %s gets one key, from whichever process comes first', async (_, first) => {
  using aws = await startAws(secretWith(first));
  const sources = Array.from({ length: 4 }, () =>
    secretsManagerSource('arn', new SecretsManagerClient(aws.client), timetable),
  );
  const sets = await Promise.all(sources.map((s) => s.load(0)));
  expect(new Set(sets.map((s) => s.signing.kid)).size).toBe(1);
  const rotated = await Promise.all(sources.map((s) => s.load(999_500)));
  expect(new Set(rotated.flatMap((s) => s.published.map((k) => k.kid))).size).toBe(2);
  const later = await Promise.all(sources.map((s) => s.load(1_001_000)));
  expect(new Set(later.map((s) => s.signing.kid)).size).toBe(1);
  expect(later[0]?.signing.kid).not.toBe(sets[0]?.signing.kid);
});

test('Secrets Manager: no such secret, no permission and foreign content are clear errors', async () => {
  using aws = await startAws((call) =>
    call.input.SecretId === 'denied'
      ? { error: 'AccessDeniedException', message: 'not authorized' }
      : call.input.SecretId === 'other'
        ? { SecretString: '{"user":"x"}', VersionId: 'v' }
        : { error: 'ResourceNotFoundException', message: "Secrets Manager can't find the specified secret." },
  );
  const client = new SecretsManagerClient(aws.client);
  await expect(secretsManagerSource('denied', client, timetable).load(0)).rejects.toThrow('not authorized');
  await expect(secretsManagerSource('gone', client, timetable).load(0)).rejects.toThrow("can't find");
  await expect(secretsManagerSource('other', client, timetable).load(0)).rejects.toThrow(
    'does not hold a key document',
  );
});

test('Secrets Manager away: the keys that are held sign and are published on, readiness says since when, and it comes back', async () => {
  const secret = secretWith('{}');
  let away = false;
  using aws = await startAws((call) => (away ? { error: 'InternalServiceError', message: 'away' } : secret(call)));
  const source = secretsManagerSource('arn', new SecretsManagerClient(aws.client), timetable);
  await using auth = await startTestAuth({}, { keySource: source, now: () => 500_000 });
  const keys = async () => (await auth.get('/health/ready')).body.dependencies.keys;
  const published = (await auth.get('/.well-known/jwks.json')).body;
  away = true;
  await auth.refreshKeys();
  expect(await keys()).toMatchObject({ state: 'degraded', since: expect.any(String), detail: 'away' });
  expect(auth.logged.map((line) => line.event)).toContain('key.refresh_failed');
  expect((await auth.get('/.well-known/jwks.json')).body).toEqual(published);
  expect((await auth.login('ada')).token).toMatch(/^ey/);
  away = false;
  await auth.refreshKeys();
  expect(await keys()).toMatchObject({ state: 'up' });
});
