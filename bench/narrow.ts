/** `npm run bench -- narrow`: what somebody in a media room receives over a narrow or lossy line, and how soon all is back after it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { type Reading, readIncoming, repeatedSound, sendDetailed, tellSteps } from './lib/narrow-page.ts';
import { fixed, table } from './lib/stats.ts';

export const opensPage = true;
export const summary =
  'a receiver at 500 kbit/s, then at 5 % loss: its sound, its layer, and seconds until all is back';

/** Seconds from the line's recovery until the size of before is shown again. */
const BACK_SECONDS = 15;
/** Share of the sound that the browser made up since packets were late or lost, above that of the free line just before; more is heard. */
const MADE_UP = 0.01;
/** A line has had its effect when this part of it is measured, ms. */
const SETTLED_MS = 10_000;
const EVERY_MS = 500;
/** Of the receiver's line in each direction, ms: as far as a node in the same part of the world. */
const ONE_WAY_MS = 25;
/** Of the sender's camera: from 540 lines on Chromium encodes three sizes. */
const LINES = 720;

interface Limits {
  readonly kbitPerSecond?: number;
  readonly loss?: number;
}
const TROUBLES: readonly { readonly name: string; readonly limits: Limits }[] = [
  { name: '500 kbit/s', limits: { kbitPerSecond: 500 } },
  { name: '5 % loss', limits: { loss: 0.05 } },
];

/** @returns seconds until it was so; undefined: not within that time */
async function until(page: Page, seconds: number, done: (now: Reading) => boolean): Promise<number | undefined> {
  const from = performance.now();
  while (performance.now() - from < seconds * 1000) {
    if (done(await page.evaluate(readIncoming))) return (performance.now() - from) / 1000;
    await sleep(EVERY_MS);
  }
  return undefined;
}

interface Stretch {
  readonly madeUp: number;
  /** How long sound waited for its turn, on average, ms. */
  readonly waitMs: number;
  /** Requests to repeat lost sound, a packet that arrived. */
  readonly asked: number;
  readonly kbits: number;
  readonly lines: number;
}
/** What came in meanwhile. */
async function stretch(page: Page, ms: number): Promise<Stretch> {
  const before = await page.evaluate(readIncoming);
  await sleep(ms);
  const after = await page.evaluate(readIncoming);
  // Counters of another connection begin anew.
  if (after.connections !== before.connections) throw new Error('the page made a new connection meanwhile');
  return {
    madeUp: (after.madeUp - before.madeUp) / Math.max(1, after.samples - before.samples),
    waitMs: ((after.waited - before.waited) / Math.max(1, after.emitted - before.emitted)) * 1000,
    asked: (after.asked - before.asked) / Math.max(1, after.packets - before.packets),
    kbits: ((after.bytes - before.bytes) * 8) / (after.at - before.at),
    lines: after.lines,
  };
}

const verdict = (isMet: boolean) => (isMet ? 'met' : 'MISSED');
const seconds = (value: number | undefined) => (value === undefined ? 'never' : `${fixed(value, 1)} s`);

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      trace: { type: 'boolean', default: false },
      // The line is that of the sender.
      sender: { type: 'boolean', default: false },
      // The line is that of somebody who watches the live page.
      viewer: { type: 'boolean', default: false },
      delay: { type: 'string', default: String(ONE_WAY_MS) },
      seconds: { type: 'string', default: '25' },
    },
  });
  const [{ startMediaStack }, { startSdkBrowser }, { startPath }, { openLivePage }] = await Promise.all([
    import('../test/support/media-stack.ts'),
    import('../test/sdk/harness.ts'),
    import('../test/support/path.ts'),
    import('./lib/live-viewer.ts'),
  ]);
  await using stack = await startMediaStack({ from: 2 });
  await stack.mediaNode('m1', 33_000);
  const oneWayMs = Number(values.delay);
  await using ofRoom = await startPath(stack.url.replace('ws', 'http'), { oneWayMs });
  await using browser = await startSdkBrowser();
  const enter = async (name: string, url: string, more: { audience?: boolean }): Promise<Page> => {
    const page = await browser.page();
    const token = await stack.keys.token(name, more.audience ? { publish: false } : {});
    if (!more.audience) await page.evaluate(sendDetailed, LINES);
    const media = more.audience ? 'none' : 'canvas';
    await page.evaluate((o) => globalThis.harness.start(o), {
      ...{ url, token, roomId: 'narrow', name, media, statsInterval: 2000, ...more },
    } as Parameters<(typeof globalThis.harness)['start']>[0]);
    return page;
  };
  const limited = ofRoom.origin.replace('http', 'ws') + new URL(stack.url).pathname;
  const ada = await enter('ada', values.sender ? limited : stack.url, {});
  const person = await enter('eve', values.sender || values.viewer ? stack.url : limited, { audience: true });
  await using live = values.viewer ? await openLivePage(stack, person, { room: 'narrow', oneWayMs }) : undefined;
  const { page: eve, path } = live ?? { page: person, path: ofRoom };
  const whole = (now: Reading) => now.lines >= LINES;
  if ((await until(eve, 60, whole)) === undefined) throw new Error('the largest size did not come on a free line');
  if (path.datagrams === 0) throw new Error('media does not take the limited line');
  const rows = [
    [
      '',
      'kbit/s',
      'lines',
      'sound made up',
      'waits',
      'NACKs',
      'lowest after',
      'back after',
      `goal ${BACK_SECONDS} s`,
      'sound',
    ],
  ];
  const rowOf = (name: string, { kbits, lines, madeUp, waitMs, asked }: Stretch) => [
    ...[name, fixed(kbits, 0), String(lines), `${fixed(madeUp * 100)} %`],
    ...[`${fixed(waitMs, 0)} ms`, `${fixed(asked * 100)} %`],
  ];
  for (const { name, limits } of TROUBLES) {
    if (values.only && !name.includes(values.only)) continue;
    if ((await until(eve, 60, whole)) === undefined) throw new Error('the largest size did not come back');
    const free = await stretch(eve, SETTLED_MS);
    rows.push(rowOf('free line', free));
    path.limit(limits);
    const lowest = await until(eve, Number(values.seconds), (now) => now.lines > 0 && now.lines <= LINES / 4);
    const during = await stretch(eve, SETTLED_MS);
    path.limit({});
    const back = await until(eve, Number(values.seconds), whole);
    if (values.trace || back === undefined)
      console.log([await eve.evaluate(tellSteps), await ada.evaluate(tellSteps), ...stack.log].join('\n'));
    // A size that never went down did not come back either.
    const wentDown = lowest !== undefined || during.lines < LINES;
    if (values.sender) console.log(`packets of sound that the sender repeated: ${await ada.evaluate(repeatedSound)}`);
    rows.push([
      ...rowOf(name, during),
      seconds(lowest),
      seconds(back),
      wentDown ? verdict(back !== undefined && back <= BACK_SECONDS) : '–',
      verdict(during.madeUp - free.madeUp <= MADE_UP),
    ]);
    console.log(rows.at(-1)?.join('  '));
  }
  console.log(`\n${table(rows)}`);
}
