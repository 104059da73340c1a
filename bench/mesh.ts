/**
 * `npm run bench -- mesh`: people who join in the same second, and how long until each decodes the picture of each other, beside as many
 * pages that make bare connections.
 */
import { parseArgs } from 'node:util';
import { freshPages, wholeBareMesh } from './lib/bare-mesh.ts';
import { fixed, quantile, table } from './lib/stats.ts';

export const summary = 'people joining a room at once: seconds until each decodes each other’s picture (2, 4 and 6)';

/** Room of `people` fresh pages that click at the same moment. @returns seconds until the mesh is whole */
async function whole(world: World, people: number, round: number): Promise<number> {
  await using fresh = await freshPages(world.browser, people);
  const { pages } = fresh;
  const tokens = await Promise.all(pages.map((_, i) => world.keys.token(`person-${i}`)));
  const started = Date.now();
  await Promise.all(
    pages.map((page, i) =>
      page.evaluate((options) => globalThis.harness.start(options), {
        url: world.url,
        token: tokens[i] ?? '',
        roomId: `mesh-${people}-${round}`,
        name: `Person ${i}`,
        // As apps have it.
        statsInterval: 2000,
      }),
    ),
  );
  const last = await Promise.all(
    pages.map((page) => world.until('a picture of each', () => page.evaluate(allShown, people - 1), 120_000, 1000)),
  );
  return (Math.max(...last) - started) / 1000;
}

/**
 * In the page: when it had decoded a frame of each of `others` people, by its own clock. The page notes the times itself, so that
 * it is asked only once a second: each question costs time of the processor that is measured.
 * @returns ms since 1970, or nothing while somebody is missing
 */
const allShown = (others: number) => {
  const at = new Map<string, number>();
  for (const { t, what, detail } of globalThis.harness.log) {
    const { peerId, name } = detail as { peerId: string; name: string };
    if (what === 'timing' && name === 'first-frame') at.set(peerId, performance.timeOrigin + t);
  }
  return at.size === others && Math.max(...at.values());
};

interface World {
  readonly keys: { token(name: string): Promise<string> };
  readonly url: string;
  readonly browser: Awaited<ReturnType<typeof import('../test/sdk/harness.ts').startSdkBrowser>>;
  readonly until: typeof import('../test/sdk/harness.ts').until;
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { rounds: { type: 'string', default: '5' } } });
  const { startTestKeys, startTestNode } = await import('../apps/signaling/src/testing.ts');
  const { startSdkBrowser, until } = await import('../test/sdk/harness.ts');
  await using keys = await startTestKeys();
  await using node = await startTestNode({ keys, config: { ALLOWED_ORIGINS: '*' } });
  await using browser = await startSdkBrowser();
  const world: World = { keys, url: node.wsUrl, browser, until };
  await whole(world, 2, -1);
  const rows = [['people', 'pairs', 'median s', 'slowest s', 'bare connections, median s', 'ratio']];
  for (const people of [2, 4, 6]) {
    const [ours, bare]: [number[], number[]] = [[], []];
    for (let round = 0; round < Number(values.rounds); round++) {
      ours.push(await whole(world, people, round));
      bare.push(await wholeBareMesh(world.browser, people, `bare-${people}-${round}`));
    }
    rows.push([
      String(people),
      String((people * (people - 1)) / 2),
      fixed(quantile(ours, 0.5)),
      fixed(Math.max(...ours)),
      fixed(quantile(bare, 0.5)),
      fixed(quantile(ours, 0.5) / quantile(bare, 0.5)),
    ]);
  }
  console.log(`\n${table(rows)}`);
}
