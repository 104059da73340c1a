/**
 * What the media node itself has of an encrypted call: RTP without SRTP, as Janus passes it on (the way of HLS), of two people in real Chromium. The packets
 * of a call without encryption become pictures and a tone; those of an encrypted one, which its people see and hear, become neither.
 */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { newSecret } from '../packages/rtc/src/encryption/index.ts';
import { type SdkBrowser, startSdkBrowser, until } from './sdk/harness.ts';
import { everybody } from './sdk/whole.ts';
import { type MediaStack, startMediaStack } from './support/media-stack.ts';

const run = promisify(execFile);
/** Of the tone that the pages send (an oscillator's default), Hz. */
const TONE = 440;
const RATE = 48_000;
/** Of the pages' pictures. */
const [WIDTH, HEIGHT] = [320, 180];
/** Packets that are looked at, at least: four seconds of sound. */
const PACKETS = { audio: 200, video: 60 };
type Kind = keyof typeof PACKETS;

let stack: MediaStack;
let browser: SdkBrowser;

beforeAll(async () => {
  stack = await startMediaStack({ from: 2 });
  await stack.mediaNode('m1', 38_000);
  browser = await startSdkBrowser();
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
});

async function enter(roomId: string, name: string, secret: string | undefined): Promise<Page> {
  const page = await browser.page();
  const token = await stack.keys.token(name);
  const options = { url: stack.url, token, roomId, name, media: 'canvas' as const, ...(secret ? { secret } : {}) };
  await page.evaluate((given) => globalThis.harness.start(given), options);
  return page;
}

/** RTP of one publisher of the room, as the node forwards it to ports of this machine. */
async function capture(room: string): Promise<Record<Kind, Buffer[]>> {
  const packets: Record<Kind, Buffer[]> = { audio: [], video: [] };
  const ports = { audio: 0, video: 0 };
  for (const kind of ['audio', 'video'] as const) {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    onTestFinished(() => void socket.close());
    await once(socket, 'listening');
    ports[kind] = socket.address().port;
    // RTCP of the same port has other types (RFC 5761 section 4).
    socket.on('message', (packet) => ((packet[1] ?? 0) & 0x7f) !== 72 && packets[kind].push(packet));
  }
  // What people cannot have by HLS: the refusal stands before this.
  const forwarding = await stack.nodes[0]?.rooms.get(room)?.viewers.forward(ports, () => 1);
  if (!forwarding) throw new Error('the node does not serve the room');
  forwarding.keyframe();
  await until('packets', async () =>
    (['audio', 'video'] as const).every((kind) => packets[kind].length > PACKETS[kind]),
  );
  await forwarding.close();
  return packets;
}

/** A recording of Janus, of these packets (janus-pp-rec.c: MJR00002). */
function mjr(kind: Kind, packets: readonly Buffer[]): Buffer {
  const header = JSON.stringify({ t: kind[0], c: kind === 'audio' ? 'opus' : 'vp8', s: 1e15, u: 1e15 });
  const chunks = [Buffer.from('MJR00002'), uint(header.length, 2), Buffer.from(header)];
  for (const [i, packet] of packets.entries())
    chunks.push(Buffer.from('MEET'), uint(i * 20, 4), uint(packet.length, 2), packet);
  return Buffer.concat(chunks);
}
function uint(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

/** What decoders make of the packets. A stream of which they make nothing has no bytes. */
async function decoded(folder: string, kind: Kind, packets: readonly Buffer[]): Promise<Buffer> {
  const [from, media, raw] = [`${kind}.mjr`, kind === 'audio' ? 'audio.opus' : 'video.webm', `${kind}.raw`].map(
    (name) => join(folder, name),
  ) as [string, string, string];
  await writeFile(from, mjr(kind, packets));
  const as =
    kind === 'audio'
      ? ['-f', 's16le', '-ar', `${RATE}`, '-ac', '1']
      : ['-vf', `scale=${WIDTH}:${HEIGHT}`, '-fps_mode', 'passthrough', '-f', 'rawvideo', '-pix_fmt', 'gray'];
  try {
    await run('janus-pp-rec', [from, media]);
    await run('ffmpeg', ['-v', 'error', '-y', '-i', media, ...as, raw]);
  } catch {
    // It takes none of it.
  }
  return await readFile(raw).catch(() => Buffer.alloc(0));
}

/** Share of the sound's power that is at the tone (Goertzel), in the second half of what was decoded. */
function toneShare(sound: Buffer): number {
  const samples = new Int16Array(sound.buffer, sound.byteOffset, Math.floor(sound.length / 2));
  const late = samples.subarray(samples.length >> 1);
  const turn = (2 * Math.PI * TONE) / RATE;
  let [power, re, im] = [0, 0, 0];
  for (const [i, sample] of late.entries()) {
    power += sample ** 2;
    re += sample * Math.cos(turn * i);
    im += sample * Math.sin(turn * i);
  }
  return power === 0 ? 0 : (2 * (re ** 2 + im ** 2)) / (late.length * power);
}

/** Pictures of one brightness, as each of the pages' is, and all. */
function pictures(raw: Buffer): { flat: number; all: number } {
  const pixels = WIDTH * HEIGHT;
  const all = Math.floor(raw.length / pixels);
  let flat = 0;
  for (let n = 0; n < all; n++) {
    let [darkest, brightest] = [255, 0];
    for (const pixel of raw.subarray(n * pixels, (n + 1) * pixels)) {
      darkest = Math.min(darkest, pixel);
      brightest = Math.max(brightest, pixel);
    }
    if (brightest - darkest < 16) flat++;
  }
  return { flat, all };
}

test.each([
  ['is encrypted', newSecret()],
  ['is not encrypted', undefined],
] as const)('of a call that %s the media node has packets', async (_, secret) => {
  const room = secret ? 'sealed' : 'open';
  const [ada, bob] = [await enter(room, 'ada', secret), await enter(room, 'bob', secret)];
  // Those in the call see and hear each other by the node: the packets are good.
  for (const page of [ada, bob]) await everybody(page, { people: 1, topology: 'sfu', log: stack.log });
  const packets = await capture(room);
  await using folder = await mkdtempDisposable(join(tmpdir(), 'packets-'));
  const sound = toneShare(await decoded(folder.path, 'audio', packets.audio));
  const seen = pictures(await decoded(folder.path, 'video', packets.video));
  console.log({ room, sound, seen });
  if (secret) {
    expect(sound).toBeLessThan(0.1);
    expect(seen.flat).toBe(0);
  } else {
    expect(sound).toBeGreaterThan(0.9);
    expect(seen.flat).toBeGreaterThan(10);
  }
  for (const page of [ada, bob]) await page.close();
});
