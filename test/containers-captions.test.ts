/** Captions through the containers of compose.yaml: a sentence said to a microphone comes back as words, and what hears it reaches nothing else. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { launchBrowser } from './support/browser.ts';
import { joinRoom } from './support/call.ts';
import { containersOf } from './support/containers.ts';
import { speak } from './support/speech.ts';

const origin = process.env.TANDEM_CONTAINERS ?? '';
const docker = (...args: string[]) => execFileSync('docker', args, { encoding: 'utf8' });

test('a sentence said to the microphone goes to the captions container, from there to the recognizer, and is read by the others', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'containers-captions-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const sentence = 'find the telephone move the orange';
  const file = join(folder, 'said.wav');
  speak(sentence, file);
  const speaking = await launchBrowser([`--use-file-for-fake-audio-capture=${file}`]);
  onTestFinished(() => speaking.close());
  const reading = await launchBrowser();
  onTestFinished(() => reading.close());
  const bob = await joinRoom(reading, origin, 'Bob', 'captioned');
  await joinRoom(speaking, origin, 'Ada', 'captioned', undefined, async (page) => {
    await page.addInitScript(() => {
      // No recognizer on the device, whatever this browser has.
      Object.assign(globalThis, { SpeechRecognition: undefined });
      localStorage.setItem('tandem.preferences', JSON.stringify({ captionSent: true }));
    });
  });
  await bob.getByTestId('captions').getByText(`Ada: ${sentence}`, { exact: true }).waitFor({ timeout: 120_000 });
});

test('captions and its recognizer run without root, without capabilities and on a read-only root', () => {
  for (const service of ['captions', 'recognizer']) {
    const [id = ''] = containersOf(service);
    const [{ Config, HostConfig }] = JSON.parse(docker('inspect', id));
    expect([Config.User, HostConfig.ReadonlyRootfs, HostConfig.CapDrop], service).toEqual([
      '10001:10001',
      true,
      ['ALL'],
    ]);
    // As the kernel has it: of the program itself, below the init.
    const status = docker(
      'exec',
      id,
      'node',
      '-e',
      "console.log(require('fs').readFileSync('/proc/self/status', 'utf8'))",
    );
    expect(status, service).toMatch(/^Uid:\t10001\t10001\t10001\t10001$/m);
    expect(status, service).toMatch(/^CapEff:\t0+$/m);
    expect(status, service).toMatch(/^NoNewPrivs:\t1$/m);
  }
});

/** What happens to connections from this container. */
function connects(id: string, targets: readonly (readonly [string, number])[]): string[] {
  const program = `
    const { connect } = require('node:net');
    const tried = ${JSON.stringify(targets)}.map(([host, port]) => new Promise((done) => {
      const socket = connect({ host, port, timeout: 3000 });
      socket.on('connect', () => done('open')).on('error', ({ code }) => done(code)).on('timeout', () => done('timeout'));
    }));
    Promise.all(tried).then((all) => { console.log(JSON.stringify(all)); process.exit(0); });`;
  return JSON.parse(docker('exec', id, 'node', '-e', program));
}

test('the recognizer, which hears what people say, reaches captions alone: no internet, no metadata, no other service by name or address', () => {
  const [id = ''] = containersOf('recognizer');
  // By itself: names that are not known here are asked for elsewhere, for seconds.
  expect(connects(id, [['captions', 8083]])).toEqual(['open']);
  // Where the others really are, so that a name that is not known here is not all that protects them.
  const addressOf = (service: string): string => {
    const [{ NetworkSettings }] = JSON.parse(docker('inspect', containersOf(service)[0] ?? ''));
    return Object.values<{ IPAddress: string }>(NetworkSettings.Networks)[0]?.IPAddress ?? '';
  };
  const away = [
    ['1.1.1.1', 443],
    ['169.254.169.254', 80],
    ['auth', 8081],
    ['cache', 6379],
    [addressOf('auth'), 8081],
    [addressOf('cache'), 6379],
    [addressOf('edge'), 3000],
  ] as const;
  const closed = expect.stringMatching(/^(ENETUNREACH|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN|timeout)$/);
  expect(connects(id, away)).toEqual(away.map(() => closed));
});
