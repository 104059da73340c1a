/** The noise filter in real Chromium: what it does to sound, and what is sent while it does not run. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { flip, type Inside, media, openSettings } from './pwa/effects.ts';
import { enter, patience, pwaSuite } from './pwa/suite.ts';
import { launchBrowser } from './support/browser.ts';

const { open } = pwaSuite();

/** Eight seconds as a WAV file, 16 bit mono at 48 kHz: a fan hums, and in the second half somebody talks over it. The same each time. */
function room(): Buffer {
  const rate = 48_000;
  const samples = rate * 8;
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + samples * 2, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(rate, 24);
  wav.writeUInt32LE(rate * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(samples * 2, 40);
  let seed = 1;
  let fan = 0;
  let phase = 0;
  const [mouth, throat] = [resonator(rate, 0.985), resonator(rate, 0.98)];
  for (let i = 0; i < samples; i++) {
    const t = i / rate;
    seed = (seed * 1664525 + 1013904223) % 2 ** 32;
    fan = fan * 0.98 + (seed / 2 ** 32 - 0.5) * 0.02;
    // A buzz of a moving pitch through two moving resonances, in syllables: what a vowel is made of.
    phase = (phase + (130 + 20 * Math.sin(t * 5)) / rate) % 1;
    const buzz = i < samples / 2 ? 0 : (phase < 0.1 ? 1 : -0.11) * Math.sqrt(Math.max(0, Math.sin(t * 16)));
    const voice = throat(mouth(buzz, 500 + 250 * Math.sin(t * 7)), 1500 + 500 * Math.sin(t * 4));
    wav.writeInt16LE(Math.round(32767 * Math.max(-1, Math.min(1, fan + voice * 1e-4))), 44 + i * 2);
  }
  return wav;
}

function resonator(rate: number, radius: number): (x: number, frequency: number) => number {
  let [a, b] = [0, 0];
  return (x, frequency) => {
    const y = x + 2 * radius * Math.cos((2 * Math.PI * frequency) / rate) * a - radius * radius * b;
    [a, b] = [y, a];
    return y;
  };
}

test('the noise filter takes the fan away and leaves the voice; muting, the meter and another microphone work with it', async () => {
  const dir = await mkdtemp(path.join(tmpdir(), 'tandem-noise-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await writeFile(path.join(dir, 'room.wav'), room());
  const noisy = await launchBrowser([`--use-file-for-fake-audio-capture=${dir}/room.wav`]);
  onTestFinished(() => noisy.close());
  const { page } = await open({ browser: noisy, query: '?room=noise' });
  await enter(page, 'Ada');
  await page.getByTestId('empty-room').waitFor();
  /** How much of what the microphone hears is sent, over the same half second; undefined while it hears nothing. */
  const share = () =>
    page.evaluate(async () => {
      const { audioTrack, microphone } = (globalThis as unknown as Inside).__tandem.media.get();
      if (!audioTrack || !microphone) return undefined;
      const context = new AudioContext();
      const [sent, heard] = [audioTrack, microphone].map((track) => {
        const analyser = new AnalyserNode(context, { fftSize: 32768 });
        context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
        return analyser;
      });
      await new Promise((done) => setTimeout(done, 800));
      const [out = 0, into = 0] = [sent, heard].map((analyser) => {
        const samples = new Float32Array(32768);
        analyser?.getFloatTimeDomainData(samples);
        return Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
      });
      await context.close();
      return into > 1e-3 ? out / into : undefined;
    });

  await vi.waitFor(async () => expect(await share()).toBeGreaterThan(0.9), patience);
  expect(await media(page)).toMatchObject({ suppresses: true });
  await openSettings(page);
  await flip(page, 'noiseFilter');
  // One of the two suppresses, never both.
  await vi.waitFor(async () => expect(await media(page)).toMatchObject({ suppresses: false, filters: true }), patience);
  await vi.waitFor(async () => expect(await share()).toBeLessThan(0.1), patience);
  await vi.waitFor(async () => expect(await share()).toBeGreaterThan(0.6), patience);

  await page.keyboard.press('Escape');
  await page.getByTestId('toggle-mic').click();
  expect(await media(page)).toMatchObject({ enabled: [false, false] });
  const level = () => page.evaluate(() => (globalThis as unknown as Inside).__tandem.media.level());
  await vi.waitFor(async () => expect(await level()).toBeGreaterThan(0.01), patience);
  await page.getByTestId('toggle-mic').click();
  expect(await media(page)).toMatchObject({ enabled: [true, true] });

  await openSettings(page);
  const select = page.getByTestId('device-audioinput');
  const others = (await select.locator('option').allTextContents()).filter((name) => /Fake Audio Input/.test(name));
  await select.selectOption({ label: others[0] ?? '' });
  await vi.waitFor(
    async () => expect(await media(page)).toMatchObject({ microphone: others[0], suppresses: false, filters: true }),
    patience,
  );
  await flip(page, 'noiseFilter');
  await vi.waitFor(async () => expect(await media(page)).toMatchObject({ suppresses: true, filters: false }), patience);
});

test('a noise filter that does not load: says so, and the microphone goes on with what the browser has', async () => {
  const { page } = await open({ query: '?room=plain', expected: /ERR_FAILED/ });
  await page.route('**/effects-*/rnnoise.bin', (route) => route.abort());
  await enter(page, 'Ada');
  await page.getByTestId('empty-room').waitFor();
  await openSettings(page);
  await flip(page, 'noiseFilter');
  await page.getByText('Strong noise reduction did not start.').first().waitFor();
  await vi.waitFor(async () => expect(await media(page)).toMatchObject({ suppresses: true, filters: false }), patience);
  expect(await page.getByTestId('switch-noiseFilter').isChecked()).toBe(true);
});
