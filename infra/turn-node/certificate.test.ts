/** turns: on the node itself: it serves the certificate that another program keeps, and a renewal reaches a running coturn. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { connectRedis, loadConfig, readTurnNodes } from '@tandem/service';
import { freePort, startRedis } from '@tandem/service/testing';
import { generate } from 'selfsigned';
import { expect, onTestFinished, test, vi } from 'vitest';
import { relay } from './relays.testing.ts';
import { FollowedCertificate } from './src/certificate.ts';
import { TurnNodeConfig } from './src/config.ts';
import { startTurnNode } from './src/node.ts';

const NAME = 'calls.example.org';
const patience = { timeout: 30_000, interval: 100 };

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'certificate-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A new certificate, where Caddy of one authority keeps it. */
async function issue(store: string, authority = 'acme-v02.api.letsencrypt.org-directory') {
  const made = await generate([{ name: 'commonName', value: NAME }], { keyType: 'ec', algorithm: 'sha256' });
  const place = join(store, 'certificates', authority, NAME);
  mkdirSync(place, { recursive: true });
  return {
    fingerprint: made.fingerprint.replaceAll(':', '').toLowerCase(),
    key: () => writeFileSync(join(place, `${NAME}.key`), made.private),
    cert: () => writeFileSync(join(place, `${NAME}.crt`), made.cert),
  };
}

/** SHA-1 of the certificate that a TLS port serves, in hex; undefined when nothing answers. */
function served(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', servername: NAME, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint.replaceAll(':', '').toLowerCase());
      socket.destroy();
    });
    socket.on('error', () => resolve(undefined));
  });
}

test('a pair is taken when certificate and key belong together, the newest of several authorities, once', async () => {
  const [store, run] = [folder(), folder()];
  const followed = new FollowedCertificate(store, NAME, run);
  expect([await followed.refresh(), followed.files]).toEqual([false, undefined]);
  const first = await issue(store);
  first.cert();
  expect(await followed.refresh()).toBe(false);
  first.key();
  expect([await followed.refresh(), await followed.refresh()]).toEqual([true, false]);
  expect(followed.files).toEqual({ cert: join(run, 'tls.crt'), key: join(run, 'tls.key') });
  const renewed = await issue(store);
  // Half renewed: the copies stay a pair.
  renewed.key();
  expect(await followed.refresh()).toBe(false);
  renewed.cert();
  expect(await followed.refresh()).toBe(true);
  await expect(new FollowedCertificate(join(store, 'gone'), NAME, run).refresh()).rejects.toThrow('ENOENT');
});

test('coturn serves it, a renewal reaches new connections, and the directory names turns: only with a certificate', async () => {
  const [store, run] = [folder(), folder()];
  await using redis = await startRedis();
  const reader = connectRedis(redis.url);
  onTestFinished(() => reader.disconnect());
  const [port, tlsPort] = [await freePort(), await freePort()];
  const config = loadConfig(TurnNodeConfig, {
    TURNSERVER: relay,
    TURN_PORT: String(port),
    TURN_TLS_PORT: String(tlsPort),
    TURN_HOST: NAME,
    TLS_FOLDER: store,
    RUN_DIR: run,
    REDIS_URL: redis.url,
    PUBLIC_IP: '127.0.0.1',
    TURN_SECRETS: 'a-shared-secret-of-this-test',
  });
  const events: string[] = [];
  const start = () => startTurnNode(config, { tickMs: 100, secretsMs: 100, say: (event) => void events.push(event) });
  const hosts = async () => (await readTurnNodes(reader)).map((node) => node.host);

  const bare = await start();
  expect([await hosts(), await served(tlsPort)]).toEqual([[undefined], undefined]);
  const first = await issue(store);
  first.key();
  first.cert();
  // coturn opens its TLS port at its start only: the node ends, and what restarts it starts it with TLS.
  expect(await bare.ended).toBe('drained');
  await bare[Symbol.asyncDispose]();

  await using node = await start();
  await vi.waitFor(async () => expect(await served(tlsPort)).toBe(first.fingerprint), patience);
  expect(await hosts()).toEqual([NAME]);
  const renewed = await issue(store);
  renewed.key();
  renewed.cert();
  await vi.waitFor(async () => expect(await served(tlsPort)).toBe(renewed.fingerprint), patience);
  expect(node.state).toBe('serving');
});
