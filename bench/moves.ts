/** `npm run bench -- moves`: how long a picture stands still and a voice is not heard when a room's media changes its way. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import type { MediaProcess } from '../test/support/media-process.ts';
import { cpuNs } from './lib/cpu.ts';
import { quantile, table } from './lib/stats.ts';
import { traceConnections, tracedSince } from './lib/trace-page.ts';

export const summary =
  'longest gap of picture and sound: mesh to media node at the fifth person, engine killed, drain, node lost';

/** Steady time that an event is compared with, and time after it in which a late gap is found, ms. */
const STEADY_MS = 5000;
/** Of the cheap camera of test/sdk/page.ts, ms. */
const FRAME_MS = 167;

interface World {
  readonly enter: (name: string) => Promise<Page>;
  readonly startNode: (id: string, firstPort: number) => Promise<MediaProcess>;
}

/** The engine that has worked: each node has a spare one. */
function killBusyEngine(node: MediaProcess): void {
  const [busy] = node.engines.sort((a, b) => cpuNs(b) - cpuNs(a));
  if (busy !== undefined) process.kill(busy, 'SIGKILL');
}

interface Gaps {
  /** Of each view of each page, ms. */
  readonly picture: number[];
  readonly sound: number[];
}

/** @param without a person whose first frame is no gap */
async function gaps(pages: readonly Page[], from: number, to: number, without?: string): Promise<Gaps> {
  const views = (
    await Promise.all(pages.map((page) => page.evaluate((since) => globalThis.harness.moments(since - 3000), from)))
  ).flat();
  const longest = (times: readonly number[]) => {
    const before = times.filter((t) => t <= from).at(-1) ?? from;
    const all = [before, ...times.filter((t) => t > from && t < to), to];
    return Math.max(...all.slice(1).map((t, i) => t - (all[i] ?? t)));
  };
  const counted = views.filter(({ name }) => name !== without);
  return { picture: counted.map((v) => longest(v.frames)), sound: counted.map((v) => longest(v.sounds)) };
}

/** Every picture moves and every voice is heard on every page, by that way. @returns what is missing after a minute */
async function whole(pages: readonly Page[], topology: 'mesh' | 'sfu'): Promise<string | undefined> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const from = Date.now() - 1500;
    const states = await Promise.all(
      pages.map((page) =>
        page.evaluate(
          (since) => ({
            shown: globalThis.harness.shown().map((p) => p.topology),
            moments: globalThis.harness.moments(since).map((m) => [m.frames.length, m.sounds.length]),
          }),
          from,
        ),
      ),
    );
    const isWhole = ({ shown, moments }: (typeof states)[number]) =>
      shown.length === pages.length - 1 &&
      shown.every((one) => one === topology) &&
      moments.flat().every((count) => count > 1);
    if (states.every(isWhole)) return undefined;
    if (Date.now() > deadline) return `not whole by ${topology}: ${JSON.stringify(states)}`;
    await sleep(250);
  }
}

interface Event {
  readonly name: string;
  readonly goal: (steady: number) => number;
  readonly happen: () => Promise<unknown>;
}

/** @param from people from which a media node serves */
async function startWorld(stack: AsyncDisposableStack, from: number): Promise<World> {
  const [{ startMediaProcesses }, { startSdkBrowser }] = await Promise.all([
    import('../test/support/media-process.ts'),
    import('../test/sdk/harness.ts'),
  ]);
  // What nodes complain of is part of the result.
  const processes = stack.use(await startMediaProcesses({ from, complain: (line) => process.stderr.write(line) }));
  const browser = stack.use(await startSdkBrowser());
  return {
    enter: async (name) => {
      const page = await browser.page();
      const { token } = await processes.auth.login(name);
      const options = { url: processes.url, token, roomId: 'moves', name, media: 'canvas' as const };
      await page.evaluate(traceConnections);
      await page.evaluate((o) => {
        globalThis.harness.watchMoments();
        return globalThis.harness.start(o);
      }, options);
      return page;
    },
    startNode: (id, firstPort) => processes.start(id, firstPort),
  };
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      people: { type: 'string', default: '5' },
      only: { type: 'string' },
      trace: { type: 'boolean', default: false },
    },
  });
  const people = Number(values.people);
  await using stack = new AsyncDisposableStack();
  const world = await startWorld(stack, people);
  const pages: Page[] = [];
  for (let i = 1; i < people; i++) pages.push(await world.enter(`person ${i}`));
  const nodes = [await world.startNode('m1', 26_000)];
  const missing = await whole(pages, 'mesh');
  if (missing) throw new Error(missing);
  const rows = [['', 'picture: median', 'worst', 'steady', 'sound: median', 'worst', 'steady', 'goal, picture', '']];
  const frame = (steady: number) => steady + FRAME_MS;
  const next = async () => nodes.push(await world.startNode(`m${nodes.length + 1}`, 26_000 + nodes.length * 1000));
  const last = () => nodes.at(-1) as MediaProcess;
  const events: Event[] = [
    {
      name: `mesh → media node: person ${people} comes`,
      goal: frame,
      happen: async () => pages.push(await world.enter('fin')),
    },
    { name: 'engine killed', goal: () => 600, happen: async () => killBusyEngine(last()) },
    {
      name: 'drain: to another node',
      goal: frame,
      happen: async () => {
        const old = last();
        await next();
        old.signal('SIGTERM');
        await sleep(4000);
      },
    },
    {
      name: 'node killed',
      goal: () => 5000,
      happen: async () => {
        const old = last();
        await next();
        await sleep(3000);
        old.signal('SIGKILL');
      },
    },
    {
      name: 'node silent, as one whose network is gone',
      goal: () => 5000,
      happen: async () => {
        const old = last();
        await next();
        await sleep(3000);
        old.signal('SIGSTOP');
      },
    },
  ];
  for (const [index, event] of events.entries()) {
    if (values.only && index > 0 && !event.name.includes(values.only)) continue;
    const quiet = Date.now();
    await sleep(STEADY_MS);
    const before = await gaps(pages, quiet, Date.now());
    const from = Date.now();
    const watching = [...pages];
    await event.happen();
    await sleep(1500);
    const lacks = await whole(pages, 'sfu');
    if (lacks) console.log(`${event.name}: ${lacks}`);
    await sleep(1000);
    const after = await gaps(watching, from, Date.now(), index === 0 ? 'fin' : undefined);
    const steady = Math.max(...before.picture);
    const worst = Math.max(...after.picture);
    const ms = (value: number) => String(Math.round(value));
    const goal = event.goal(steady);
    rows.push([
      event.name,
      ms(quantile(after.picture, 0.5)),
      ms(worst),
      ms(steady),
      ms(quantile(after.sound, 0.5)),
      ms(Math.max(...after.sound)),
      ms(Math.max(...before.sound)),
      ms(goal),
      worst <= goal && !lacks ? 'met' : 'MISSED',
    ]);
    console.log(rows.at(-1)?.join('  '));
    if (values.trace) for (const page of watching) console.log(await page.evaluate(tracedSince, from));
  }
  console.log(`\n${table(rows)}`);
}
