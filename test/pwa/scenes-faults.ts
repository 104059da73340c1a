/** Pictures of what goes wrong on this side: devices, the network of this browser, the page itself. */
import type { Page } from 'playwright-core';
import { PEOPLE } from './people.ts';
import { type Exposed, guest, join, NAMES, open, patch, pwa, ROOM, shoot } from './shooting.ts';

const LONG_NAME = 'Bartholomew Featherstonehaugh-Cavendish';
const LONG_ROOM = 'quarterly-review-of-the-harbour-extension-north-side-2026';

interface WithMedia {
  __tandem: { media: { set(change: object): void } };
}
const patchMedia = (page: Page, change: object) =>
  page.evaluate((c) => (globalThis as unknown as WithMedia).__tandem.media.set(c), change);

const offline = () => Object.defineProperty(navigator, 'onLine', { value: false });

/** A new version waits to take over. */
const waitingWorker = () => {
  const registration = { waiting: { postMessage() {} }, addEventListener() {} };
  Object.defineProperty(navigator.serviceWorker, 'controller', { value: {} });
  navigator.serviceWorker.getRegistration = async () => registration as unknown as ServiceWorkerRegistration;
};

const refuse = () => {
  navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException('Permission denied', 'NotAllowedError');
  };
};

export const FAULTS: Record<string, () => Promise<void>> = {
  /** Each reason why camera and microphone do not start; a microphone that gives silence. */
  async permissions() {
    const page = await open({ before: refuse, query: `?room=${ROOM}` });
    await page.getByTestId('name-input').fill(NAMES[0]);
    for (const problem of ['browser', 'dismissed', 'system', 'none', 'busy', 'insecure', 'unknown']) {
      await patchMedia(page, { problem, detail: 'Requested device not found' });
      await page.locator(`[data-testid=permission-help][data-problem=${problem}]`).waitFor();
      await shoot(page, `permission-${problem}`);
    }
    const silent = await open({ person: PEOPLE[0], query: `?room=${ROOM}` });
    await silent.getByTestId('local-video').waitFor();
    await silent.evaluate(() => {
      const { media } = (globalThis as unknown as WithMedia).__tandem;
      // The meter writes what it hears.
      setInterval(() => media.set({ silent: true }), 50);
    });
    await silent.locator('.note').waitFor();
    await shoot(silent, 'silent');
  },
  async update() {
    const page = await open({ person: PEOPLE[0], before: waitingWorker });
    await page.getByTestId('update-notice').waitFor();
    await shoot(page, 'update');
  },
  async 'lobby-offline'() {
    const page = await open({ person: PEOPLE[0], before: offline });
    await page.locator('[data-testid=readiness][data-state=offline]').waitFor();
    await shoot(page, 'lobby-offline');
  },
  /** Names as long as they may be, in the lobby and in a call. */
  async long() {
    const page = await open({ person: PEOPLE[0], query: `?room=${LONG_ROOM}` });
    await page.getByTestId('name-input').fill(LONG_NAME);
    await page.locator('[data-state=ready]').waitFor();
    await shoot(page, 'long-lobby');
    await page.getByTestId('join').click();
    await page.getByTestId('empty-room').waitFor();
    await shoot(page, 'long-alone');
    for (const name of [`${LONG_NAME} III`, 'محمد بن عبد الرحمن آل سعود', 'Li', '田中さくら'])
      await guest(name, LONG_ROOM);
    await page.getByTestId('peer-tile').nth(3).waitFor();
    await patch(page, { recording: Date.now() });
    await shoot(page, 'long-call');
    await page.getByTestId('people-count').click();
    await page.getByTestId('person-more').nth(1).click();
    await shoot(page, 'long-people');
  },
  /** Banners about devices, a media node that is missing, and what a recorder is offered. */
  async troubles() {
    pwa.auth.grants = { record: true };
    const page = await join(NAMES[0], 'troubles', { person: PEOPLE[0] });
    await page.getByTestId('empty-room').waitFor();
    pwa.auth.grants = {};
    await guest(NAMES[1], 'troubles');
    await page.getByTestId('peer-tile').waitFor();
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.getByTestId('mic-choices').click();
    await shoot(page, 'mic-menu');
    await page.keyboard.press('Escape');
    await page.getByTestId('toggle-mic').click();
    await page.getByTestId('toggle-cam').click();
    await shoot(page, 'all-off');
    await patchMedia(page, { problem: 'busy' });
    await page.getByTestId('device-banner').waitFor();
    await shoot(page, 'banner-device');
    await patchMedia(page, { problem: undefined });
    await page.getByTestId('people-count').click();
    await page.getByTestId('record').click();
    await page.locator('.room-moderation [role=alert]').waitFor();
    await shoot(page, 'record-failed');
    // As the server API answers; test/recordings.test.ts has real ones.
    await page.route('**/recordings?limit=20', (route) =>
      route.fulfill({
        json: {
          recordings: ['recording', 'processing', 'ready', 'failed'].map((status, n) => ({
            ...{ recordingId: `${n}`, status, startedBy: 'user:x' },
            ...{ startedAt: `2026-11-2${9 - n}T14:30:00Z`, durationSeconds: 3725 },
          })),
        },
      }),
    );
    await page.getByTestId('recordings').click();
    await page.getByTestId('recording-row').nth(3).waitFor();
    await page.getByTestId('remove-recording').nth(1).click();
    await shoot(page, 'recordings');
    await page.getByTestId('open-chat').click();
    await shoot(page, 'chat-empty');
    await page.getByTestId('open-chat').click();
    await page.getByTestId('more').click();
    await page.getByTestId('open-settings').click();
    await shoot(page, 'call-settings');
    await page.keyboard.press('Escape');
    await patch(page, { watching: true });
    await page.getByTestId('unserved').waitFor();
    await shoot(page, 'banner-unserved');
  },
  /** What no part of the page caught. */
  async crashed() {
    const page = await open({ query: `?room=${ROOM}` });
    await page.getByTestId('join').waitFor();
    await page.evaluate(() => {
      (globalThis as unknown as Exposed).__tandem.model.set({
        readiness: {
          toString() {
            throw new Error('broken on purpose');
          },
        },
      });
    });
    await page.locator('.plain-page').waitFor();
    await shoot(page, 'crashed');
  },
  async 'diagnostics-bad'() {
    const page = await open({ before: refuse, query: 'diagnostics/' });
    pwa.auth.status = 503;
    await page.getByTestId('run-checks').click();
    await page.getByTestId('report').waitFor();
    await shoot(page, 'diagnostics-bad');
  },
};
