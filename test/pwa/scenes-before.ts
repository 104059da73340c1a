/** Pictures of what comes before and after a call. */
import { startPwa } from './harness.ts';
import { PEOPLE } from './people.ts';
import { guest, invite, join, NAMES, open, openSettings, patch, pictures, pwa, ROOM, shoot } from './shooting.ts';

const refuse = () => {
  navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException('Permission denied', 'NotAllowedError');
  };
};
const undecided = () => {
  navigator.mediaDevices.enumerateDevices = async () => [];
  navigator.permissions.query = async () => ({ state: 'prompt' }) as PermissionStatus;
};

export const BEFORE: Record<string, () => Promise<void>> = {
  async lobby() {
    const page = await open({ person: PEOPLE[0] });
    await page.getByTestId('name-input').fill(NAMES[0]);
    await page.locator('[data-state=ready]').waitFor();
    await page.locator('h1').click();
    await shoot(page, 'lobby');
    await openSettings(page);
    await shoot(page, 'settings');
  },
  async invited() {
    const page = await open({ person: PEOPLE[0], query: `?room=${ROOM}` });
    await page.getByTestId('name-input').fill(NAMES[0]);
    await page.locator('[data-state=ready]').waitFor();
    await page.locator('h1').click();
    await shoot(page, 'invited');
    await page.evaluate(() => {
      const prompt = () => Promise.resolve();
      dispatchEvent(Object.assign(new Event('beforeinstallprompt'), { prompt }));
    });
    await shoot(page, 'install');
  },
  async blur() {
    const blurred = () => localStorage.setItem('tandem.preferences', '{"name":"Amal Haddad","backgroundBlur":true}');
    const page = await open({ person: PEOPLE[0], before: blurred });
    await page.getByTestId('local-video').waitFor();
    await page.locator('[data-state=ready]').waitFor();
    await shoot(page, 'blur');
    await openSettings(page);
    await page.getByTestId('switch-mirror').scrollIntoViewIfNeeded();
    await shoot(page, 'blur-settings');
    await page.keyboard.press('Escape');
    await page.route('**/effects-*/**', (route) => route.abort());
    await page.getByTestId('toggle-cam').click();
    await page.getByTestId('toggle-cam').click();
    await page.getByTestId('blur-failed').waitFor();
    await shoot(page, 'blur-failed');
    await page.getByTestId('join').click();
    await page.getByTestId('blur-banner').waitFor();
    await shoot(page, 'blur-failed-call');
  },
  async first() {
    await shoot(await open({ before: undecided }), 'first');
  },
  async refused() {
    const page = await open({ before: refuse });
    await page.getByTestId('permission-help').waitFor();
    await shoot(page, 'refused');
  },
  /** Who is inside, before joining; the link for those who only watch. */
  async inside() {
    await guest(NAMES[1], ROOM);
    await guest(NAMES[2], ROOM);
    const page = await open({ person: PEOPLE[0], query: `?room=${ROOM}` });
    await page.getByTestId('name-input').fill(NAMES[0]);
    await page.getByTestId('inside').waitFor();
    await page.locator('h1').click();
    await shoot(page, 'inside');
    await page.getByTestId('join').click();
    await page.getByTestId('peer-tile').nth(1).waitFor();
    await invite(page);
    await shoot(page, 'invite-live');
  },
  /** A picture behind oneself, and the choice of one. */
  async backdrop() {
    const chosen = () =>
      localStorage.setItem('tandem.preferences', '{"name":"Amal Haddad","backgroundBlur":true,"backdrop":"study"}');
    const page = await open({ person: PEOPLE[0], before: chosen });
    await page.getByTestId('local-video').waitFor();
    await page.locator('[data-state=ready]').waitFor();
    await openSettings(page);
    await page.getByTestId('backdrop-study').scrollIntoViewIfNeeded();
    await page
      .locator('.backdrops img')
      .last()
      .evaluate((image: HTMLImageElement) => image.decode());
    await shoot(page, 'backdrop-settings');
    await page.keyboard.press('Escape');
    await shoot(page, 'backdrop');
  },
  /** A deployment with a name, a logo, colours and links of its own. */
  async branded() {
    const square =
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 30 30"><circle cx="15" cy="15" r="13" fill="#8a1c5b"/></svg>';
    const branding = {
      name: 'Klinik am Stadtpark',
      logo: `data:image/svg+xml,${encodeURIComponent(square)}`,
      accent: { light: '#8a1c5b', dark: '#f0a3cf' },
      links: [
        { text: 'Imprint', href: 'https://example.org/imprint' },
        { text: 'Privacy', href: 'https://example.org/privacy' },
      ],
    };
    await using own = await startPwa({ clientSettings: { branding } });
    const page = await open({ origin: own.origin, person: PEOPLE[0], query: `?room=${ROOM}` });
    await page.getByTestId('name-input').fill(NAMES[0]);
    await page.locator('.brand', { hasText: branding.name }).waitFor();
    await page.locator('[data-state=ready]').waitFor();
    await shoot(page, 'branded-lobby');
    await page.getByTestId('join').click();
    await page.getByTestId('empty-room').waitFor();
    await shoot(page, 'branded-alone');
    await page.getByTestId('leave').click();
    await page.getByTestId('ended').waitFor();
    await shoot(page, 'branded-ended');
    await page.close();
  },
  async endings() {
    pwa.auth.grants = { maxRoomSize: 2 };
    await guest('one', 'tiny');
    await guest('two', 'tiny');
    const full = await join(NAMES[0], 'tiny', { person: PEOPLE[0] });
    await full.locator('[data-obstacle=full]').waitFor();
    pwa.auth.grants = {};
    await shoot(full, 'full');
    const page = await open();
    await page.getByTestId('join').waitFor();
    await patch(page, { phase: 'ended', end: 'kicked', duration: 241_000 });
    await shoot(page, 'kicked');
    await page.goto(`${pwa.origin}/offline/`);
    await shoot(page, 'offline');
  },
  async diagnostics() {
    const page = await open({ person: PEOPLE[0], query: 'diagnostics/' });
    await shoot(page, 'diagnostics');
    await page.getByTestId('run-checks').click();
    await page.getByTestId('report').waitFor();
    await shoot(page, 'diagnostics-done');
  },
  async arabic() {
    const a = await join('أمل حداد', 'rtl', { person: PEOPLE[0], locale: 'ar' });
    const b = await join('يوناس', 'rtl', { person: PEOPLE[1] });
    await pictures(a, 1);
    await b.keyboard.press('c');
    await b.getByTestId('chat-input').fill('صباح الخير');
    await b.keyboard.press('Enter');
    await a.getByTestId('open-chat').click();
    await shoot(a, 'arabic-chat');
    await a.getByTestId('open-chat').click();
    await a.getByTestId('more').click();
    await shoot(a, 'arabic-menu');
    await shoot(await open({ person: PEOPLE[0], locale: 'ar' }), 'arabic-lobby');
    await shoot(await open({ person: PEOPLE[0], locale: 'de' }), 'german-lobby');
  },
};
