/** WHIP and WHEP with clients in a browser: npm `whip-whep` in Chromium publishes and watches, and the SDK shows it. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { startSdkBrowser } from './sdk/harness.ts';
import { flowing, type StreamStack, startStreamStack, WAIT } from './support/stream-stack.ts';

let streams: StreamStack;

beforeAll(async () => {
  streams = await startStreamStack(28_000);
});
afterAll(() => streams?.[Symbol.asyncDispose]());

test('W-1 W-2 W-3 M-10 a browser publishes by a client of others, searches a path anew, and leaves the room with its connection', async () => {
  const browser = await startSdkBrowser();
  onTestFinished(() => browser[Symbol.asyncDispose]());
  const page = await browser.page();
  for (const name of ['whip', 'whep']) {
    const entry = fileURLToPath(import.meta.resolve(`whip-whep/${name}.js`));
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      format: 'iife',
      globalName: name,
    });
    await page.addScriptTag({ content: outputFiles[0]?.text ?? '' });
  }
  await page.evaluate(publishFromPage, {
    url: streams.endpoint('page'),
    token: await streams.media.keys.token('page'),
  });
  const ada = await streams.person('page', 'ada');
  await flowing(ada);
  // The SDK shows it, from the node alone.
  const viewer = await browser.page();
  const token = await streams.media.keys.token('viewer');
  await viewer.evaluate((options) => globalThis.harness.start(options), {
    url: streams.media.url,
    token,
    roomId: 'page',
    name: 'viewer',
    media: 'canvas' as const,
  });
  const shown = () => viewer.evaluate(() => globalThis.harness.shown());
  await vi.waitFor(
    async () => expect((await shown()).filter((p) => p.topology === 'sfu' && p.frames > 5 && !p.pair)).toHaveLength(1),
    WAIT,
  );
  // A viewer by a client of others, too.
  await page.evaluate(watchFromPage, { url: `${streams.origin}/whep/page`, token });
  await vi.waitFor(
    async () => expect(await page.evaluate(() => (globalThis as unknown as PublishingPage).frames)).toBeGreaterThan(5),
    WAIT,
  );
  const [before, after] = await page.evaluate(async () => {
    const { pc, client } = globalThis as unknown as PublishingPage;
    const ufrag = () => /a=ice-ufrag:(\S+)/.exec(pc.remoteDescription?.sdp ?? '')?.[1];
    const before = [ufrag(), client.etag];
    await client.restart();
    return [before, [ufrag(), client.etag]];
  });
  expect(after?.filter((one) => one && !before?.includes(one))).toHaveLength(2);
  await vi.waitFor(
    async () =>
      expect(await page.evaluate(() => (globalThis as unknown as PublishingPage).pc.iceConnectionState)).toBe(
        'connected',
      ),
    WAIT,
  );
  await flowing(ada);
  // Without a DELETE: DTLS says goodbye. (Who says nothing at all is gone after 30 s, M-13.)
  await page.evaluate(() => (globalThis as unknown as PublishingPage).pc.close());
  await vi.waitFor(() => expect([...ada.session.peers.values()].map(({ userId }) => userId)).toEqual(['viewer']), WAIT);
  expect(browser.errors).toEqual([]);
});

/** What the page keeps, for later steps. */
interface PublishingPage {
  pc: RTCPeerConnection;
  client: {
    etag: string;
    restart(): Promise<void>;
    publish(pc: RTCPeerConnection, url: string, token: string): Promise<void>;
  };
  whip: { WHIPClient: new () => PublishingPage['client'] };
  whep: { WHEPClient: new () => { view(pc: RTCPeerConnection, url: string, token: string): Promise<void> } };
  /** Of the watched picture. */
  frames: number;
}

async function watchFromPage({ url, token }: { url: string; token: string }): Promise<void> {
  const page = globalThis as unknown as PublishingPage;
  page.frames = 0;
  const video = document.body.appendChild(document.createElement('video'));
  video.muted = true;
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  for (const kind of ['audio', 'video']) pc.addTransceiver(kind, { direction: 'recvonly' });
  pc.ontrack = ({ track }) => {
    if (track.kind !== 'video') return;
    video.srcObject = new MediaStream([track]);
    void video.play();
    const count = () => {
      page.frames++;
      video.requestVideoFrameCallback(count);
    };
    video.requestVideoFrameCallback(count);
  };
  await new page.whep.WHEPClient().view(pc, url, token);
}

async function publishFromPage({ url, token }: { url: string; token: string }): Promise<void> {
  const page = globalThis as unknown as PublishingPage;
  const canvas = document.body.appendChild(document.createElement('canvas'));
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  setInterval(() => {
    context.fillStyle = `hsl(${Math.floor(performance.now() / 10) % 360} 90% 50%)`;
    context.fillRect(0, 0, 320, 180);
  }, 100);
  const audio = new AudioContext();
  const sound = audio.createMediaStreamDestination();
  const oscillator = audio.createOscillator();
  oscillator.connect(sound);
  oscillator.start();
  page.pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  for (const track of [...sound.stream.getTracks(), ...canvas.captureStream(10).getTracks()])
    page.pc.addTransceiver(track, { direction: 'sendonly' });
  page.client = new page.whip.WHIPClient();
  await page.client.publish(page.pc, url, token);
}
