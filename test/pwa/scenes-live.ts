/** Pictures of the live page: what it shows, and what it says when there is nothing to show. */
import type { Page } from 'playwright-core';
import { PEOPLE } from './people.ts';
import { open, pwa, ROOM, shoot } from './shooting.ts';

const shows = (page: Page, state: string) => page.locator(`[data-testid=live][data-state=${state}]`).waitFor();

/** The live page, whose WHEP is refused with this status and code; 0: it is not answered. */
async function liveAnswers(status: number, code: string, before?: () => void): Promise<Page> {
  const page = await open(before ? { before } : {});
  await page.route('**/whep/**', (route) =>
    status === 0 ? undefined : route.fulfill({ status, json: { code }, headers: { 'retry-after': '30' } }),
  );
  await page.goto(`${pwa.origin}/live/?room=${ROOM}`);
  return page;
}

/** Answers the live page from another page, as a media node would, until that one closes. */
async function liveShows(): Promise<{ page: Page; source: Page }> {
  const [source, page] = [await open({ person: PEOPLE[1] }), await open()];
  await page.route('**/whep/**', async (route) => {
    if (source.isClosed()) return route.fulfill({ status: 409, json: { code: 'not_live' } });
    if (route.request().method() !== 'POST') return route.fulfill({ json: { viewers: 128 } });
    const body = await source
      .evaluate(async (sdp) => {
        const connection = new RTCPeerConnection();
        Object.assign(globalThis, { connection });
        const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
        await connection.setRemoteDescription({ type: 'offer', sdp });
        for (const track of stream.getTracks()) connection.addTrack(track, stream);
        await connection.setLocalDescription(await connection.createAnswer());
        while (connection.iceGatheringState !== 'complete') await new Promise((done) => setTimeout(done, 50));
        return connection.localDescription?.sdp ?? '';
      }, route.request().postData() ?? '')
      // It closed meanwhile.
      .catch(() => undefined);
    if (body === undefined) return route.abort().catch(() => {});
    return route.fulfill({
      status: 201,
      body,
      headers: { location: '/whep/session/1', 'content-type': 'application/sdp' },
    });
  });
  await page.goto(`${pwa.origin}/live/?room=${ROOM}`);
  return { page, source };
}

export const LIVE: Record<string, () => Promise<void>> = {
  async live() {
    const { page, source } = await liveShows();
    await shows(page, 'live');
    await shoot(page, 'live');
    await page.getByTestId('live-sound').click();
    await shoot(page, 'live-sound');
    await source.evaluate(() => (globalThis as unknown as { connection: RTCPeerConnection }).connection.close());
    await source.close();
    await shows(page, 'ended');
    await shoot(page, 'live-ended');
  },
  'live-without': async () => {
    for (const [status, code, state] of [
      [0, '', 'connecting'],
      [409, 'not_live', 'not-live'],
      [503, 'busy', 'full'],
      [403, 'forbidden', 'refused'],
      [500, '', 'away'],
    ] as const) {
      const page = await liveAnswers(status, code);
      await shows(page, state);
      await shoot(page, `live-${state}`);
      await page.close();
    }
    const offline = await liveAnswers(0, '', () => Object.defineProperty(navigator, 'onLine', { value: false }));
    await shows(offline, 'offline');
    await shoot(offline, 'live-offline');
    const page = await open();
    await page.goto(`${pwa.origin}/live/`);
    await shoot(page, 'live-no-room');
  },
};
