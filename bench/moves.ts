/** `npm run bench -- moves`: how long a picture stands still and a voice is not heard when a room's media changes its way. */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import type { MediaProcess } from '../test/support/media-process.ts';
import { wholeBareMesh } from './lib/bare-mesh.ts';
import { cpuNs } from './lib/cpu.ts';
import { startWorld, whole } from './lib/media-room.ts';
import { fixed, quantile, table } from './lib/stats.ts';
import { tracedSince } from './lib/trace-page.ts';

export const summary =
  'longest gap of picture and sound: mesh to media node at the fifth person, engine killed, drain, node lost';

/** Steady time that an event is compared with, and time after it in which a late gap is found, ms. */
const STEADY_MS = 5000;
/** A node has its second engine again within this time, ms. */
const BETWEEN_MS = 6000;

/** A media node that has started is at rest after as long, ms. */
const SETTLE_MS = 3000;

/** UDP ports of a node that has ended are used again after as many. */
const NODES_AT_ONCE = 4;

/** Comes before there is a node, and leaves. */
const GUEST = 'guest';
const ENGINE_KILLED = 'engine killed';
/** Of what the killed engine is compared with, after one that warms up. */
const BARE_ROUNDS = 5;

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

/** @param without people who have just come or have left */
async function gaps(pages: readonly Page[], from: number, to: number, without: readonly string[]): Promise<Gaps> {
  const views = (
    await Promise.all(pages.map((page) => page.evaluate((since) => globalThis.harness.moments(since - 3000), from)))
  ).flat();
  const longest = (times: readonly number[]) => {
    const before = times.filter((t) => t <= from).at(-1) ?? from;
    const all = [before, ...times.filter((t) => t > from && t < to), to];
    return Math.max(...all.slice(1).map((t, i) => t - (all[i] ?? t)));
  };
  const counted = views.filter(({ name }) => !without.includes(name));
  return { picture: counted.map((v) => longest(v.frames)), sound: counted.map((v) => longest(v.sounds)) };
}

interface Event {
  readonly name: string;
  /** Longest gap of a picture, ms; none of what is only compared with. */
  readonly goal?: (steady: number) => number;
  readonly happen: () => Promise<unknown>;
  /** Comes before, with time to settle: what starts elsewhere in a deployment. */
  readonly prepare?: () => Promise<unknown>;
  /** By which way media comes afterwards. Default `sfu`. */
  readonly topology?: 'mesh' | 'sfu';
  /** Who comes: its first frame is no gap. */
  readonly newcomer?: string;
  /** How often it happens. Default 1; all gaps count. */
  readonly times?: number;
}

const ms = (value: number) => String(Math.round(value));

/** @param pages of whom the gaps are taken; `happen` may add to them or take from them */
async function measure(event: Event, pages: readonly Page[], isTraced: boolean): Promise<string[]> {
  const quiet = Date.now();
  await sleep(STEADY_MS);
  const before = await gaps(pages, quiet, Date.now(), [GUEST]);
  const after: Gaps = { picture: [], sound: [] };
  for (let n = 0; n < (event.times ?? 1); n++) {
    if (n > 0) await sleep(BETWEEN_MS);
    const { picture, sound } = await measureOnce(event, pages, isTraced);
    after.picture.push(...picture);
    after.sound.push(...sound);
  }
  const steady = Math.max(...before.picture);
  const worst = Math.max(...after.picture);
  const goal = event.goal?.(steady);
  const row = [
    event.name,
    ms(quantile(after.picture, 0.5)),
    ms(worst),
    ms(steady),
    ms(quantile(after.sound, 0.5)),
    ms(Math.max(...after.sound)),
    ms(Math.max(...before.sound)),
    goal === undefined ? '–' : ms(goal),
    goal === undefined ? '' : worst <= goal ? 'met' : 'MISSED',
  ];
  console.log(row.join('  '));
  return row;
}

async function measureOnce(event: Event, pages: readonly Page[], isTraced: boolean): Promise<Gaps> {
  if (event.prepare) {
    await event.prepare();
    await sleep(SETTLE_MS);
  }
  const from = Date.now();
  const watching = [...pages];
  await event.happen();
  await sleep(1500);
  const lacks = await whole(pages, event.topology ?? 'sfu');
  if (lacks) console.log(`${event.name}: ${lacks}`);
  await sleep(1000);
  const found = await gaps(watching, from, Date.now(), [GUEST, event.newcomer ?? '']);
  if (isTraced) for (const page of watching) console.log(await page.evaluate(tracedSince, from));
  if (lacks) found.picture.push(Number.POSITIVE_INFINITY);
  return found;
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      people: { type: 'string', default: '5' },
      fps: { type: 'string', default: '6' },
      kills: { type: 'string', default: '1' },
      drains: { type: 'string', default: '1' },
      only: { type: 'string' },
      trace: { type: 'boolean', default: false },
    },
  });
  const people = Number(values.people);
  const fps = Number(values.fps);
  await using stack = new AsyncDisposableStack();
  const world = await startWorld(stack, people, fps);
  const bare: number[] = [];
  for (let round = -1; round < BARE_ROUNDS; round++) {
    const seconds = await wholeBareMesh(world.browser, people, `bare-${round}`, fps);
    if (round >= 0) bare.push(seconds * 1000);
  }
  const pages: Page[] = [];
  for (let i = 1; i < people; i++) pages.push(await world.enter(`person ${i}`));
  const missing = await whole(pages, 'mesh');
  if (missing) throw new Error(missing);
  const rows = [['', 'picture: median', 'worst', 'steady', 'sound: median', 'worst', 'steady', 'goal, picture', '']];
  // The same with no node to switch to: what the arrival itself costs those who are there.
  const arrival: Event = {
    name: `mesh → mesh: person ${people} comes`,
    topology: 'mesh',
    newcomer: GUEST,
    happen: async () => pages.push(await world.enter(GUEST)),
  };
  if (pages.length > 1) {
    rows.push(await measure(arrival, pages, values.trace));
    await pages.pop()?.close();
  }
  const nodes = [await world.startNode('m1', 26_000)];
  await sleep(SETTLE_MS);
  const frame = (steady: number) => steady + 1000 / fps;
  const next = async () =>
    nodes.push(await world.startNode(`m${nodes.length + 1}`, 26_000 + (nodes.length % NODES_AT_ONCE) * 1000));
  const switched: Event = {
    name: `mesh → media node: person ${people} comes`,
    goal: frame,
    newcomer: 'fin',
    happen: async () => pages.push(await world.enter('fin')),
  };
  if (pages.length > 1) rows.push(await measure(switched, pages, values.trace));
  else await switched.happen();
  const late = await whole(pages, 'sfu');
  if (late) throw new Error(late);
  const events: Event[] = [
    {
      name: ENGINE_KILLED,
      goal: () => 600,
      times: Number(values.kills),
      happen: async () => killBusyEngine(nodes.at(-1) as MediaProcess),
    },
    {
      name: 'drain: to another node',
      goal: frame,
      times: Number(values.drains),
      prepare: next,
      happen: async () => {
        nodes.at(-2)?.signal('SIGTERM');
        await sleep(4000);
      },
    },
    {
      name: 'node killed',
      goal: () => 5000,
      prepare: next,
      happen: async () => nodes.at(-2)?.signal('SIGKILL'),
    },
    {
      name: 'node silent, as one whose network is gone',
      goal: () => 5000,
      prepare: next,
      happen: async () => nodes.at(-2)?.signal('SIGSTOP'),
    },
  ];
  for (const event of events)
    if (!values.only || event.name.includes(values.only)) rows.push(await measure(event, pages, values.trace));
  const engine = rows.find(([name]) => name === ENGINE_KILLED);
  const connect = quantile(bare, 0.5);
  console.log(`\n${table(rows)}`);
  console.log(
    `\n${people} pages, their servers and media nodes on ${availableParallelism()} cores. Fresh pages, as many, that make bare connections with each other at once, no server: ${connect.toFixed(0)} ms until the last ` +
      `picture (median of ${BARE_ROUNDS})` +
      (engine ? `; after a killed engine the last picture takes ${fixed(Number(engine[2]) / connect)} times that` : ''),
  );
}
