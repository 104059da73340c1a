import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { createTokenVerifier, TokenError, type TokenVerifierOptions, tokenKey } from './verify.ts';

async function keyPair(kid: string, alg: 'ES256' | 'EdDSA' = 'ES256') {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
  const token = (claims: object = {}, header: object = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const base = {
      iss: 'tandem',
      aud: 'tandem',
      sub: 'ada',
      session_id: 's1',
      jti: randomUUID(),
      iat: now,
      exp: now + 600,
    };
    return new SignJWT({ ...base, ...claims })
      .setProtectedHeader({ alg, kid, typ: 'at+jwt', ...header })
      .sign(privateKey);
  };
  return { jwk, token, privateKey };
}

function verifier(fetchKeys: () => Promise<{ keys: JWK[] }>, more: Partial<TokenVerifierOptions> = {}) {
  return createTokenVerifier({ jwksUrl: 'http://auth/jwks', issuer: 'tandem', audience: 'tandem', fetchKeys, ...more });
}

async function reasonOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'accepted';
  } catch (error) {
    return error instanceof TokenError ? error.reason : String(error);
  }
}

test('accepts ES256 and EdDSA tokens and returns their claims', async () => {
  for (const alg of ['ES256', 'EdDSA'] as const) {
    const key = await keyPair('k1', alg);
    using v = verifier(async () => ({ keys: [key.jwk] }));
    const claims = await v.verify(await key.token({ name: 'Ada', grants: { rooms: ['a-*'] } }));
    expect(claims).toMatchObject({ sub: 'ada', session_id: 's1', name: 'Ada', grants: { rooms: ['a-*'] } });
    expect(v.health().state).toBe('up');
  }
});

test('refuses what is forged, confused, expired or misshapen, each for its reason', async () => {
  const key = await keyPair('k1');
  const other = await keyPair('k1');
  using v = verifier(async () => ({ keys: [key.jwk] }));
  const good = await key.token();
  const now = Math.floor(Date.now() / 1000);
  const part = (o: object) => Buffer.from(JSON.stringify(o)).toString('base64url');
  const [h, p, s] = good.split('.');
  const hs = new TextEncoder().encode(JSON.stringify(key.jwk));
  const confused = await new SignJWT({ sub: 'ada' }).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(hs);
  const table: [string, string | undefined, string][] = [
    ['nothing', undefined, 'missing'],
    ['text', 'abc', 'malformed'],
    ['too large', 'a'.repeat(9000), 'too_large'],
    ['alg none', `${part({ alg: 'none', kid: 'k1' })}.${p}.`, 'algorithm'],
    ['HMAC with the public key', confused, 'algorithm'],
    ['embedded jwk', await other.token({}, { jwk: other.jwk }), 'embedded_key'],
    ['jku', await key.token({}, { jku: 'http://evil' }), 'embedded_key'],
    ['x5u', await key.token({}, { x5u: 'http://evil' }), 'embedded_key'],
    ['x5c', await key.token({}, { x5c: ['AAAA'] }), 'embedded_key'],
    ['b64', `${part({ alg: 'ES256', kid: 'k1', b64: false, crit: ['b64'] })}.${p}.${s}`, 'embedded_key'],
    ['crit', `${part({ alg: 'ES256', kid: 'k1', crit: ['x'], x: 1 })}.${p}.${s}`, 'embedded_key'],
    ['RSA', `${part({ alg: 'RS256', kid: 'k1' })}.${p}.${s}`, 'algorithm'],
    ['alg NONE', `${part({ alg: 'NONE', kid: 'k1' })}.${p}.`, 'algorithm'],
    ['no signature', `${h}.${p}.`, 'signature'],
    ['other key, same kid', await other.token(), 'signature'],
    ['unknown kid', await key.token({}, { kid: 'k2' }), 'unknown_key'],
    ['no kid', await key.token({}, { kid: undefined }), 'unknown_key'],
    ['path in kid', await key.token({}, { kid: '../../etc/passwd' }), 'unknown_key'],
    ['another typ', await key.token({}, { typ: 'logout+jwt' }), 'malformed'],
    ['changed payload', `${h}.${part({ sub: 'eve' })}.${s}`, 'signature'],
    ['expired', await key.token({ exp: now - 31 }), 'expired'],
    ['not yet', await key.token({ nbf: now + 300 }), 'not_yet'],
    ['from the future', await key.token({ iat: now + 300 }), 'not_yet'],
    ['issuer', await key.token({ iss: 'evil' }), 'issuer'],
    ['audience', await key.token({ aud: 'other' }), 'audience'],
    ['no jti', await key.token({ jti: undefined }), 'claims'],
    ['no exp', await key.token({ exp: undefined }), 'claims'],
    ['sub is a number', await key.token({ sub: 7 as never }), 'claims'],
    ['unknown grant', await key.token({ grants: { admin: true } }), 'claims'],
  ];
  const seen: Record<string, string> = {};
  for (const [name, token] of table) seen[name] = await reasonOf(v.verify(token));
  expect(seen).toEqual(Object.fromEntries(table.map(([name, , reason]) => [name, reason])));
  expect(await reasonOf(v.verify(await key.token({ exp: now - 20 })))).toBe('accepted'); // within the skew
});

test('never uses a symmetric or private key out of a key set', async () => {
  const key = await keyPair('k1');
  const secret = { kty: 'oct', k: Buffer.from('secret').toString('base64url'), kid: 'sym', alg: 'HS256' };
  const leaked = { ...(await exportJWK(key.privateKey)), kid: 'leaked', alg: 'ES256' };
  using v = verifier(async () => ({ keys: [secret, leaked, key.jwk] }));
  expect(await reasonOf(v.verify(await key.token({}, { kid: 'leaked' })))).toBe('unknown_key');
  expect(await reasonOf(v.verify(await key.token()))).toBe('accepted');
});

test('takes each key for what it is, whatever the set says of it', async () => {
  const claims = { iss: 'tandem', aud: 'tandem', sub: 'ada', session_id: 's1', jti: 'j', iat: 1, exp: 4e9 };
  const part = (o: object) => Buffer.from(JSON.stringify(o)).toString('base64url');
  const pairs = {
    'p-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    'p-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    secp256k1: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
    rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ed25519: generateKeyPairSync('ed25519'),
    ed448: generateKeyPairSync('ed448'),
  };
  const jwks = Object.entries(pairs).flatMap(([name, { publicKey }]) =>
    ['ES256', 'EdDSA'].map((alg) => ({ ...publicKey.export({ format: 'jwk' }), kid: `${name} as ${alg}`, alg })),
  );
  const other = { ...jwks[0], kid: 'for encryption', use: 'enc' };
  const odd = [
    null,
    7,
    'key',
    [],
    {},
    { kid: 'bare' },
    { kid: 9, kty: 'EC' },
    { kty: 'EC', crv: 'P-256', kid: 'x', x: 1 },
  ];
  using v = verifier(async () => ({ keys: [...odd, ...jwks, other] as JWK[] }));
  const accepted: string[] = [];
  for (const [name, { privateKey }] of Object.entries(pairs))
    for (const alg of ['ES256', 'EdDSA', 'Ed25519'])
      for (const kid of [`${name} as ES256`, `${name} as EdDSA`, 'for encryption', '__proto__', 'constructor']) {
        const input = `${part({ alg, kid })}.${part(claims)}`;
        for (const digest of ['sha256', 'sha384', null]) {
          let signature: Buffer;
          try {
            signature = sign(digest, Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
          } catch {
            continue;
          }
          const reason = await reasonOf(v.verify(`${input}.${signature.toString('base64url')}`));
          if (reason === 'accepted') accepted.push(`${kid}, ${alg}`);
          else expect(reason, `${kid}, ${alg}`).toMatch(/^(signature|unknown_key|algorithm)$/);
        }
      }
  expect([...new Set(accepted)]).toEqual([
    'p-256 as ES256, ES256',
    'ed25519 as EdDSA, EdDSA',
    'ed25519 as EdDSA, Ed25519',
  ]);
  const confused = `${part({ alg: 'EdDSA', kid: 'p-256 as ES256' })}.${part(claims)}.AAAA`;
  expect(await reasonOf(v.verify(confused))).toBe('algorithm');
});

test('goes on with known keys while auth is down, and stops asking once the breaker is open', async () => {
  const key = await keyPair('k1');
  let up = true;
  let asked = 0;
  let clock = Date.now();
  using v = verifier(
    async () => {
      asked++;
      if (!up) throw new Error('connection refused');
      return { keys: [key.jwk] };
    },
    { now: () => clock, cooldownMs: 10, breakerMs: 600_000 },
  );
  await v.ready;
  up = false;
  const token = await key.token({ exp: Math.floor(clock / 1000) + 3600 });
  for (let i = 0; i < 20; i++) {
    clock += 60_000; // 20 minutes of outage; forged kids try to make us ask
    expect(await reasonOf(v.verify(await key.token({}, { kid: `forged-${i}` })))).toBe('unknown_key');
    expect(await reasonOf(v.verify(token))).toBe('accepted');
  }
  expect(asked).toBe(1 + 5); // the first, and five failures that open the breaker
  expect(v.health()).toMatchObject({ state: 'degraded' });
  clock += 25 * 3_600_000;
  expect(
    await reasonOf(v.verify(await key.token({ iat: Math.floor(clock / 1000), exp: Math.floor(clock / 1000) + 60 }))),
  ).toBe('unavailable');
});

test('learns a rotated key at its first token, once per cooldown', async () => {
  const a = await keyPair('a');
  const b = await keyPair('b');
  let keys = [a.jwk];
  let asked = 0;
  using v = verifier(
    async () => {
      asked++;
      return { keys };
    },
    { cooldownMs: 0 },
  );
  await v.verify(await a.token());
  keys = [a.jwk, b.jwk];
  await v.verify(await b.token());
  await v.verify(await a.token());
  expect(asked).toBe(2);
});

test('fetches over HTTP, follows no redirect, and says unavailable without keys', async () => {
  const key = await keyPair('k1');
  let mode: 'good' | 'redirect' | 'broken' = 'redirect';
  const server = createServer((request, response) => {
    if (request.url === '/jwks' && mode === 'redirect') return response.writeHead(302, { location: '/stolen' }).end();
    if (mode === 'broken') return response.end('{"keys":"none"}');
    return response.end(JSON.stringify({ keys: [key.jwk] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  const options = { jwksUrl, issuer: 'tandem', audience: 'tandem', cooldownMs: 0, breakerMs: 1 };
  try {
    using v = createTokenVerifier(options);
    await v.ready;
    expect(v.health().state).toBe('down');
    expect(await reasonOf(v.verify(await key.token()))).toBe('unavailable');
    mode = 'broken';
    expect(await reasonOf(v.verify(await key.token()))).toBe('unavailable');
    mode = 'good';
    await expect.poll(async () => reasonOf(v.verify(await key.token())), { timeout: 20_000 }).toBe('accepted');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('accepts exactly the tokens whose claims fit; a damaged token is refused as a TokenError, or says the same', async () => {
  const now = Math.floor(Date.now() / 1000);
  const keys = { ES256: await keyPair('k'), EdDSA: await keyPair('k', 'EdDSA') };
  const times = fc.constantFrom(-400, -31, -29, 0, 29, 32, 400).map((s) => now + s);
  const claims = fc.record(
    {
      iss: fc.constantFrom<unknown>('tandem', 'tandem', 'tandem ', 7, ['tandem']),
      aud: fc.constantFrom<unknown>('tandem', 'tandem', 'other', null, ['tandem']),
      exp: fc.oneof(times, fc.constantFrom<unknown>(now + 600, `${now + 600}`)),
      nbf: fc.oneof(times, fc.constantFrom<unknown>('0', now)),
      iat: times,
      sub: fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }),
    },
    { requiredKeys: [] },
  );
  const untouched = (token: string) => token;
  const damage = fc.oneof(
    { weight: 2, arbitrary: fc.constant(untouched) },
    fc.tuple(fc.nat(), fc.constantFrom(...'AZaz09-_.=+/ \n\u00e9\ud800', '')).map(([at, char]) => (token: string) => {
      const i = at % (token.length + 1);
      return token.slice(0, i) + char + token.slice(i + 1);
    }),
    fc.nat().map((at) => (token: string) => token.slice(0, at % token.length)),
  );
  const seen = { accepted: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('ES256', 'EdDSA'), claims, damage, async (alg, own, harm) => {
      const key = keys[alg];
      // On a busy machine the test itself takes longer than the tolerance.
      const token = await key.token({ iat: now, exp: now + 600, ...own });
      const damaged = harm(token);
      using v = verifier(async () => ({ keys: [key.jwk] }), { now: () => now * 1000 });
      const all = { iss: 'tandem', aud: 'tandem', exp: now + 600, nbf: now, iat: now, ...own };
      const fits =
        all.iss === 'tandem' &&
        all.aud === 'tandem' &&
        typeof all.exp === 'number' &&
        all.exp > now - 30 &&
        typeof all.nbf === 'number' &&
        all.nbf <= now + 30 &&
        all.iat <= now + 30;
      const got = await v.verify(damaged).catch((error: unknown) => error);
      if (got instanceof Error) {
        expect(got).toBeInstanceOf(TokenError);
        if (damaged.length > 20) expect(got.message).not.toContain(damaged);
        seen.refused++;
        if (harm === untouched) expect(fits, `${(got as TokenError).reason} ${token}`).toBe(false);
      } else {
        expect(fits, damaged).toBe(true);
        expect(got).toMatchObject({ session_id: 's1', ...own });
        seen.accepted++;
      }
    }),
    { numRuns: 500, seed: 11 },
  );
  expect(seen.accepted).toBeGreaterThan(20);
  expect(seen.refused).toBeGreaterThan(100);
}, 60_000);

test('no key of another curve is imported for ES256, and none is taken out of a set under that name', async () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const jwk = publicKey.export({ format: 'jwk' }) as JWK;
  await expect(tokenKey(jwk, 'ES256')).rejects.toThrow();
  await expect(tokenKey({ ...jwk, crv: 'P-256' }, 'ES256')).rejects.toThrow();
  await expect(tokenKey({ kty: 'oct', k: 'AAAA' }, 'ES256')).rejects.toThrow();
});
