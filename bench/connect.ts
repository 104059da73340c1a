/** `npm run bench -- connect`: from the click on Join to the first decoded frame of the other, in real browsers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { fixed, quantile, table } from './lib/stats.ts';

export const opensPage = true;
export const summary =
  'click join → remote frame decoded (p50, p95) and its phases; a bare pair, the mesh and a media node side by side';

/** In the order in which they come; each is ms after the click. */
const PHASES = [
  ['join', 'join sent'],
  ['joined', 'room answered'],
  ['offer', 'offer sent'],
  ['answer', 'answer here'],
  ['ice', 'ICE connected'],
  ['dtls', 'DTLS connected'],
  ['frame', 'frame decoded'],
] as const;
type Phase = (typeof PHASES)[number][0];
type Marks = Partial<Record<Phase | 'click', number>>;

interface Connect {
  readonly complete: Promise<Marks>;
}

/** Runs in the page before the app: watches the click, the socket, the connection and what comes out of its video track. */
function instrument(): void {
  const marks: Marks = {};
  let done: (marks: Marks) => void;
  const complete = new Promise<Marks>((resolve) => {
    done = resolve;
  });
  Object.assign(globalThis, { connectMarks: { complete } });
  const mark = (phase: keyof Marks) => {
    marks[phase] ??= performance.now();
    if (marks.frame !== undefined && marks.dtls !== undefined) done(marks);
  };
  document.addEventListener(
    'click',
    (event) => {
      if ((event.target as Element).closest('[data-testid=join]')) mark('click');
    },
    true,
  );
  // Clients put it first, the server last; a description in between is long.
  const said = (data: unknown) => {
    const text = String(data);
    return /"type":"(join|joined|offer|answer)"/.exec(text.slice(0, 200) + text.slice(-200))?.[1];
  };
  const NativeSocket = globalThis.WebSocket;
  globalThis.WebSocket = class extends NativeSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      this.addEventListener('message', ({ data }) => {
        const type = said(data);
        if (type === 'joined' || type === 'answer') mark(type);
      });
    }
    override send(data: string): void {
      const type = said(data);
      if (type === 'join' || type === 'offer') mark(type);
      super.send(data);
    }
  };
  const firstFrame = async (track: MediaStreamTrack) => {
    const { MediaStreamTrackProcessor: Processor } = globalThis as unknown as {
      MediaStreamTrackProcessor: new (init: {
        track: MediaStreamTrack;
      }) => { readable: ReadableStream<{ close(): void }> };
    };
    const reader = new Processor({ track }).readable.getReader();
    const { value } = await reader.read();
    mark('frame');
    value?.close();
    await reader.cancel();
  };
  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      Object.assign(globalThis, { connectConnection: this });
      this.addEventListener('track', ({ track }) => {
        if (track.kind === 'video') void firstFrame(track.clone()).catch(() => {});
      });
      this.addEventListener('iceconnectionstatechange', () => this.iceConnectionState === 'connected' && mark('ice'));
      this.addEventListener('connectionstatechange', () => this.connectionState === 'connected' && mark('dtls'));
    }
  };
}

interface Entered {
  readonly page: Page;
  /** When everything was marked. */
  readonly marks: Promise<Marks>;
}

async function enter(browser: Browser, origin: string, name: string, warmMs: number): Promise<Entered> {
  const { openPage } = await import('../test/support/browser.ts');
  const { context, page } = await openPage(browser);
  await context.addInitScript(instrument);
  await page.goto(`${origin}/?room=bench`);
  await page.getByTestId('name-input').fill(name);
  // People look at themselves and type their name before they join: token, socket, credentials and camera are ready by then.
  await sleep(warmMs);
  // Asked before the click: the driver's own scripts must not run in between.
  const marks = page.evaluate(() => (globalThis as unknown as { connectMarks: Connect }).connectMarks.complete);
  marks.catch(() => {});
  await page.getByTestId('join').click();
  return { page, marks };
}

/** Round trip of the media path as ICE measures it, ms: what the delay really is. */
const mediaRoundTrip = (page: Page) =>
  page.evaluate(async () => {
    const { connectConnection } = globalThis as unknown as { connectConnection: RTCPeerConnection };
    for (const [, s] of (await connectConnection.getStats()) as unknown as Map<string, Record<string, unknown>>)
      if (s.type === 'candidate-pair' && s.nominated) return Number(s.currentRoundTripTime) * 1000;
    return Number.NaN;
  });

interface Result {
  readonly trials: Marks[];
  readonly roundTrips: number[];
}

async function measure(count: number, warmMs: number, rttMs: number, kbit: number): Promise<Result> {
  // Loaded here: the list of benchmarks must not load a browser driver and two services.
  const [{ startPwa }, { launchBrowser }, { startPath }] = await Promise.all([
    import('../test/pwa/harness.ts'),
    import('../test/support/browser.ts'),
    import('../test/support/path.ts'),
  ]);
  await using pwa = await startPwa();
  await using path =
    rttMs > 0 || kbit < Infinity
      ? await startPath(pwa.origin, { oneWayMs: rttMs / 2, kbitPerSecond: kbit })
      : undefined;
  const origin = path?.origin ?? pwa.origin;
  const browser = await launchBrowser();
  const trials: Marks[] = [];
  const roundTrips: number[] = [];
  try {
    const host = await enter(browser, origin, 'Ada', warmMs);
    await host.page.getByTestId('empty-room').waitFor({ timeout: 60_000 });
    // The first one warms the browser up.
    for (let i = 0; i <= count; i++) {
      const guest = await enter(browser, origin, 'Bob', warmMs);
      const marks = await guest.marks;
      if (i > 0) {
        trials.push(marks);
        await sleep(1000);
        roundTrips.push(await mediaRoundTrip(guest.page));
      }
      await guest.page
        .getByTestId('leave')
        .click()
        .catch(() => {});
      await guest.page.context().close();
      await host.page.getByTestId('empty-room').waitFor({ timeout: 90_000 });
    }
  } finally {
    await browser.close();
  }
  return { trials, roundTrips };
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      trials: { type: 'string', default: '20' },
      rtt: { type: 'string', default: '0,40' },
      kbit: { type: 'string', default: 'Infinity' },
      'warm-ms': { type: 'string', default: '3000' },
      only: { type: 'string' },
    },
  });
  if (values.only !== 'page') await ways(Number(values.trials));
  if (values.only === 'ways') return;
  const rows = [['click join → … (p50 / p95 ms)', ...PHASES.map(([, title]) => title), 'media RTT', 'trials']];
  for (const rtt of values.rtt.split(',').map(Number)) {
    const { trials, roundTrips } = await measure(
      Number(values.trials),
      Number(values['warm-ms']),
      rtt,
      Number(values.kbit),
    );
    const cell = (phase: Phase) => {
      const took = trials.flatMap((m) => (m[phase] === undefined || m.click === undefined ? [] : [m[phase] - m.click]));
      return `${fixed(quantile(took, 0.5), 0)} / ${fixed(quantile(took, 0.95), 0)}`;
    };
    rows.push([
      rtt === 0 ? 'loopback' : `${rtt} ms RTT`,
      ...PHASES.map(([phase]) => cell(phase)),
      fixed(quantile(roundTrips, 0.5), 1),
      String(trials.length),
    ]);
  }
  console.log(`\n${table(rows)}`);
}

/** Goals: the mesh beside a bare pair, a media node beside the mesh. */
const GOALS = { mesh: 1.3, sfu: 1.2 };

async function ways(trials: number): Promise<void> {
  const [{ startMediaStack }, { startTestNode }, { startSdkBrowser }, { measureWays, WAYS }, { SignalingSession }] =
    await Promise.all([
      import('../test/support/media-stack.ts'),
      import('../apps/signaling/src/testing.ts'),
      import('../test/sdk/harness.ts'),
      import('./lib/connect-ways.ts'),
      import('../packages/rtc/src/index.ts'),
    ]);
  await using stack = await startMediaStack({ from: 2 });
  await using signaling = await startTestNode({ keys: stack.keys, config: { ALLOWED_ORIGINS: '*' } });
  await using browser = await startSdkBrowser();
  await stack.mediaNode('m1', 26_000);
  const token = (name: string) => stack.keys.token(name);
  // Two people bring the media node, and one who stays keeps it.
  const two = await Promise.all(
    ['first', 'second'].map(async (name) => {
      const own = await token(name);
      const session = new SignalingSession({ url: stack.url, getToken: async () => own });
      await session.join('sfu', { sfu: 1 });
      return session;
    }),
  );
  while (!two[0]?.media) await sleep(50);
  const measured = measureWays({
    browser,
    trials,
    mesh: { url: signaling.wsUrl, roomId: 'mesh', token },
    sfu: { url: stack.url, roomId: 'sfu', token },
  });
  // With less than two people there is no media node.
  while ((two[0]?.peers.size ?? 0) < 2) await sleep(50);
  for (const session of two) session.close();
  const results = await measured;
  const frames = Object.fromEntries(
    WAYS.map((way) => [way, (results.get(way) ?? []).map((steps) => steps.frame ?? 0)]),
  );
  const p50 = (way: string) => quantile(frames[way] ?? [], 0.5);
  const rows = [['join → first picture of the other', 'p50 ms', 'p95 ms', 'ratio of p50', 'goal', '']];
  for (const way of WAYS) {
    const [reference, goal] =
      way === 'mesh' ? [p50('bare'), GOALS.mesh] : [p50('mesh'), way === 'sfu' ? GOALS.sfu : NaN];
    const ratio = p50(way) / reference;
    rows.push([
      { bare: 'a bare RTCPeerConnection pair, no server', mesh: 'mesh', sfu: 'room of a media node' }[way],
      fixed(p50(way), 0),
      fixed(quantile(frames[way] ?? [], 0.95), 0),
      way === 'bare' ? '' : `${fixed(ratio)} of the ${way === 'mesh' ? 'pair' : 'mesh'}`,
      way === 'bare' ? '' : String(goal),
      way === 'bare' ? '' : ratio <= goal ? 'met' : 'MISSED',
    ]);
  }
  console.log(`\n${table(rows)}`);
  for (const way of ['mesh', 'sfu'] as const) {
    const names = [...new Set((results.get(way) ?? []).flatMap((steps) => Object.keys(steps)))];
    const at = (name: string) =>
      quantile(
        (results.get(way) ?? []).flatMap((s) => s[name] ?? []),
        0.5,
      );
    const steps = names.map((name) => `${name.replace(/:\d+$/, '')} ${fixed(at(name), 0)}`);
    console.log(`${way}: ${steps.join(', ')}`);
  }
}
