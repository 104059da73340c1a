/** A call of two real browser pages whose media goes through TURN, and how long its picture stood still. */
import type { Page } from 'playwright-core';
import { startSdkBrowser, until } from '../../test/sdk/harness.ts';
import { type Coturn, startCoturn } from '../../test/support/coturn.ts';
import { longestGap } from './signaling-pairs.ts';

export interface RelayedCall extends AsyncDisposable {
  /** Longest time without a new frame since `from` (ms since the epoch), the worse of both sides. */
  frozen(from: number): Promise<number>;
  /** Kill the coturn that the first page's media goes through. */
  killTurn(): Promise<void>;
  /** ICE restarts and rebuilds so far, both sides. */
  repairs(): Promise<number>;
}

/** @param turnNodes coturn processes, all of which the pages are told */
export async function startRelayedCall(
  url: string,
  token: (name: string) => Promise<string>,
  turnNodes: number,
): Promise<RelayedCall> {
  await using stack = new AsyncDisposableStack();
  const turns: Coturn[] = [];
  for (let i = 0; i < turnNodes; i++) turns.push(stack.use(await startCoturn()));
  const browser = stack.use(await startSdkBrowser());
  const iceServers = turns.map(({ port, username, credential }) => ({
    urls: `turn:127.0.0.1:${port}?transport=udp`,
    username,
    credential,
  }));
  const enter = async (name: string) => {
    const page = await browser.page();
    const options = { url, token: await token(name), roomId: 'relayed', name, relay: true, iceServers };
    await page.evaluate((o) => globalThis.harness.start(o), options);
    return page;
  };
  const pages = [await enter('page-a'), await enter('page-b')] as const;
  const frames = (page: Page) => page.evaluate(() => (globalThis as unknown as { frames: number[] }).frames);
  for (const page of pages) {
    await until('a connected peer', () =>
      page.evaluate(() => globalThis.harness.call?.peers[0]?.state === 'connected'),
    );
    await page.evaluate(() => {
      const arrived: number[] = [];
      Object.assign(globalThis, { frames: arrived });
      let last = 0;
      setInterval(async () => {
        const { call } = globalThis.harness;
        const report = await call?.connection(call.peers[0]?.peerId ?? '')?.getStats();
        report?.forEach((s) => {
          if (s.type !== 'inbound-rtp' || s.kind !== 'video' || s.framesDecoded === last || !s.framesDecoded) return;
          last = s.framesDecoded;
          arrived.push(Date.now());
        });
      }, 50);
    });
    await until('frames', async () => (await frames(page)).length > 10);
  }
  /** Port of the TURN server behind the selected pair of the first page. */
  const turnInUse = () =>
    pages[0].evaluate(async () => {
      const { call } = globalThis.harness;
      const report = await call?.connection(call.peers[0]?.peerId ?? '')?.getStats();
      const stats = new Map<string, Record<string, unknown>>();
      report?.forEach((s) => void stats.set(s.id, s));
      const transport = [...stats.values()].find((s) => s.type === 'transport');
      const pair = stats.get(String(transport?.selectedCandidatePairId));
      const local = stats.get(String(pair?.localCandidateId));
      return Number(/:(\d+)\?/.exec(String(local?.url))?.[1]);
    });
  const kept = stack.move();
  return {
    frozen: async (from) => Math.max(...(await Promise.all(pages.map(async (p) => longestGap(await frames(p), from))))),
    async killTurn() {
      const port = await turnInUse();
      const at = turns.findIndex((t) => t.port === port);
      if (at < 0) throw new Error(`the call is not relayed by one of ours: port ${port}`);
      await turns.splice(at, 1)[0]?.[Symbol.asyncDispose]();
    },
    async repairs() {
      const logs = await Promise.all(pages.map((p) => p.evaluate(() => globalThis.harness.log)));
      return logs.flat().filter((l) => {
        const { name } = l.detail as { name?: string };
        return l.what === 'timing' && (name === 'ice-restart' || name === 'rebuild');
      }).length;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
