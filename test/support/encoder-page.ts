/** A page of Chromium that is an encoder (npm `whip-whep`). */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';

/** What it holds. */
export interface EncoderPage {
  connection: RTCPeerConnection;
  client: { publish(pc: RTCPeerConnection, url: string, token: string): Promise<void>; stop(): Promise<void> };
  whip: { WHIPClient: new () => EncoderPage['client'] };
}

/** In a context of its own, which the caller closes. @param origin with the services of the page */
export async function openEncoder(browser: Browser, origin: string): Promise<Page> {
  const context = await browser.newContext({ bypassCSP: true, serviceWorkers: 'block' });
  const page = await context.newPage();
  await page.goto(`${origin}/health/live`);
  const entry = fileURLToPath(import.meta.resolve('whip-whep/whip.js'));
  const bundle = { bundle: true, write: false, format: 'iife', globalName: 'whip' } as const;
  const { outputFiles } = await build({ entryPoints: [entry], ...bundle });
  await page.addScriptTag({ content: outputFiles[0]?.text ?? '' });
  return page;
}

/** A canvas and a tone. @param to address of the room for encoders, and a token for it */
export async function publishFrom(page: Page, to: { url: string; token: string }): Promise<void> {
  await page.evaluate(async ({ url, token }) => {
    const global = globalThis as unknown as EncoderPage;
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [640, 360];
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    setInterval(() => {
      const turn = performance.now() / 20;
      context.fillStyle = `hsl(${turn % 360} 60% 45%)`;
      context.fillRect(0, 0, 640, 360);
      context.fillStyle = 'white';
      context.fillRect(turn % 600, 160, 40, 40);
    }, 66);
    const audio = new AudioContext();
    const sound = audio.createMediaStreamDestination();
    const tone = audio.createOscillator();
    tone.connect(sound);
    tone.start();
    global.connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    for (const track of [...sound.stream.getTracks(), ...canvas.captureStream(15).getTracks()])
      global.connection.addTransceiver(track, { direction: 'sendonly' });
    global.client = new global.whip.WHIPClient();
    await global.client.publish(global.connection, url, token);
  }, to);
}
