import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CaptionsConfig } from '@tandem/captions/config';
import { connectRedis, loadConfig } from '@tandem/service';
import { freePort } from '@tandem/service/testing';
import { expect, onTestFinished, test } from 'vitest';
import { topology } from '../topology/index.ts';
import { composeFile, renderCompose, signalingNames } from './render.ts';

const root = resolve(import.meta.dirname, '../..');

/** Services that `docker compose up` starts: those without a profile, and those of the profiles that are asked for (Compose file reference, "profiles"). */
const started = (profiles: readonly string[]): string[] =>
  Object.entries(composeFile().services).flatMap(([name, one]) =>
    !('profiles' in one) || one.profiles.some((profile) => profiles.includes(profile)) ? [name] : [],
  );

test('compose.yaml is what the topology says now (else: npm run render:compose)', () => {
  expect(readFileSync(resolve(root, 'compose.yaml'), 'utf8')).toBe(renderCompose());
});

test('every setting of a service is one that its schema knows, and no secret stands in the file', () => {
  const { services } = composeFile();
  for (const [part, names] of [
    ['auth', ['auth']] as const,
    ['signaling', signalingNames] as const,
    ['hooks', ['hooks']] as const,
    ['captions', ['captions']] as const,
  ]) {
    for (const name of names) {
      const { environment } =
        (services as unknown as Record<string, { environment: Record<string, string> }>)[name] ?? {};
      expect(Object.keys(environment ?? {}).filter((key) => !(key in topology[part].config.properties))).toEqual([]);
    }
  }
  for (const line of renderCompose().split('\n'))
    if (/PASSWORD|SECRET|_KEY:|requirepass|auth-secret/.test(line) && !line.startsWith('#'))
      expect(line).toMatch(/\$\{TANDEM_\w+:\?|requirepass "\$\$REDISCLI_AUTH"$|--use-auth-secret$/);
});

test('no default of a variable holds a brace: docker-compose ends it at the first one, and what is given gets the second', () => {
  expect(renderCompose().match(/\$\{\w+:?[-?+][^}]*\{/g) ?? []).toEqual([]);
});

test('the cache asks for its password, which no command line holds', async () => {
  const [shell, ...args] = composeFile().services.cache.command;
  const port = await freePort();
  // As compose hands it on, for the Redis of this machine.
  const script = (args[1] ?? '')
    .replaceAll('$$', '$')
    .replace('valkey-server', 'redis-server')
    .replace('6379', `${port}`);
  expect(script).toContain('redis-server');
  const child = spawn(shell ?? '', ['-c', script.replace('0.0.0.0', '127.0.0.1')], {
    env: { PATH: process.env.PATH, REDISCLI_AUTH: 'a-password' },
    stdio: 'ignore',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const client = connectRedis(`redis://127.0.0.1:${port}`, { password: 'a-password' });
  onTestFinished(() => client.disconnect());
  client.on('error', () => {});
  await expect.poll(() => client.ping().catch(() => 'away'), { timeout: 30_000 }).toBe('PONG');
  const stranger = connectRedis(`redis://127.0.0.1:${port}`);
  onTestFinished(() => stranger.disconnect());
  stranger.on('error', () => {});
  await expect(stranger.get('x')).rejects.toThrow(/NOAUTH/);
  expect(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')).not.toContain('a-password');
});

test('all containers run without root, without capabilities and on a read-only root', () => {
  for (const service of Object.values(composeFile().services))
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], init: true });
});

test('what people say goes from captions to the recognizer over a network that leads nowhere, and by no other', () => {
  const { services, networks } = composeFile();
  const on = (network: string) =>
    Object.entries(services).flatMap(([name, one]) =>
      'networks' in one && Object.values(one.networks).includes(network) ? [name] : [],
    );
  expect(services.recognizer.networks).toEqual(['speech']);
  expect('ports' in services.recognizer).toBe(false);
  expect(on('speech')).toEqual(['captions', 'recognizer']);
  expect(networks.speech).toEqual({ internal: true });
  // Neither starts, and the edge looks for neither, until somebody asks for them.
  expect(started([])).not.toContain('captions');
  expect(started(['captions'])).toEqual(expect.arrayContaining(['captions', 'recognizer']));
  expect(services.edge.environment.CAPTIONS_TARGETS).toMatch(/^\$\{TANDEM_CAPTIONS_TARGETS:-\}$/);
});

test('who has all recognizers elsewhere starts captions without one, whose image would have to be named', () => {
  const more = started(['captions-elsewhere']).filter((name) => !started([]).includes(name));
  expect(more).toEqual(['captions']);
});

test('captions starts for nothing but the recognizers that its operator names: one that does not run would be asked in vain', () => {
  const start = (given: string) => {
    const { environment } = composeFile().services.captions;
    const filled = Object.entries(environment).map(([name, text]) => [
      name,
      text.replace(
        /\$\{(\w+):-(.*)\}/,
        (_, variable, otherwise) => (variable === 'TANDEM_RECOGNIZERS' && given) || otherwise,
      ),
    ]);
    return loadConfig(CaptionsConfig, Object.fromEntries(filled)).CAPTIONS_RECOGNIZERS;
  };
  expect(() => start('')).toThrow(/CAPTIONS_RECOGNIZERS/);
  const here = `en=ws://recognizer:${topology.recognizer.port}`;
  expect(start(here)).toBe(here);
  // In both profiles the table of settings and the example say so.
  for (const page of ['captions', 'deployment-and-testing'])
    expect(readFileSync(resolve(root, `docs/${page}.md`), 'utf8')).toContain(here);
});

test('no image of others is a tag that may be anything: official ones by major version, and a recognizer is named or nowhere', () => {
  const images = Object.values(composeFile().services)
    .map(({ image }) => image)
    .filter((image) => !image.startsWith('tandem/'));
  expect(images).toEqual([
    expect.stringMatching(/^valkey\/valkey:\d+$/),
    // RFC 6761, 6.4: names under `invalid` never resolve.
    expect.stringMatching(/^\$\{TANDEM_RECOGNIZER_IMAGE:-[a-z-]+\.invalid\/[a-z-]+\}$/),
  ]);
});

test('every variable of compose.yaml is explained in docs/deployment-and-testing.md, and none that it does not ask', () => {
  const variables = (text: string) => [...new Set(text.match(/\bTANDEM_[A-Z_]+/g))].sort();
  expect(variables(readFileSync(resolve(root, 'docs/deployment-and-testing.md'), 'utf8'))).toEqual(
    variables(renderCompose()),
  );
});

test('what a media node records until it ends is on a disk: in memory an hour of five people would fill that of a small host', () => {
  const { services, volumes } = composeFile();
  const { tmpfs, volumes: mounts } = services.media;
  const runDir = topology.media.config.properties.RUN_DIR as unknown as { readonly default: string };
  expect(tmpfs.map((one) => one.split(':')[0])).not.toContain(runDir.default);
  const [name = ''] = mounts.find((one) => one.endsWith(`:${runDir.default}`))?.split(':') ?? [];
  expect(volumes[name as keyof typeof volumes]).toEqual({});
});
