/** What a link to a room looks like where it is pasted, and the name under which the page is installed: real edge, read by Chromium. */
import vm from 'node:vm';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LANGUAGES } from '../apps/client/src/look.ts';
import { viewerRequestCode } from '../infra/src/viewer-request.ts';
import { previewBrand } from '../infra/topology/link-preview.ts';
import { startPwa } from './pwa/harness.ts';
import { pwaSuite } from './pwa/suite.ts';

const suite = pwaSuite();
/** As each maker documents it, or as it is in their source. */
const MAKERS = [
  'facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)',
  'Twitterbot/1.0',
  'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)',
  'LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)',
  'Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)',
  'TelegramBot (like TwitterBot)',
  'WhatsApp/2.23.20.0',
  'Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0',
  'Synapse (bot; +https://github.com/matrix-org/synapse)',
  'http.rb/5.1.1 (Mastodon/4.2.0; +https://mastodon.social/) Bot',
];
const PEOPLE = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Linux; Android 9; CUBOT_X19 Build/PPR1.180610.011) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/500.0]',
];
const HOSTILE = [
  `"><script>document.title='owned'</script>`,
  `x' onload='document.title=1`,
  '</title><img src=x onerror=alert(1)>',
  '\u202edrawkcab',
  'a&amp;b',
  '%',
  'x'.repeat(5000),
];

/** Chromium's reading of the page that a program which makes previews gets. */
async function cards(origin: string, paths: readonly string[], userAgent = MAKERS[0]) {
  const { context, page } = await suite.open({ origin, ...(userAgent ? { userAgent } : {}), javaScriptEnabled: false });
  const read = [];
  for (const path of paths) {
    await page.goto(`${origin}${path}`);
    const tags = await page
      .locator('meta[property^="og:"]')
      .evaluateAll((all) =>
        all.map((one) => [one.getAttribute('property') ?? '', one.getAttribute('content') ?? ''] as const),
      );
    read.push({
      title: await page.title(),
      scripts: await page.locator('script').count(),
      og: Object.fromEntries(tags),
    });
  }
  await context.close();
  return read;
}

describe('links', () => {
  test('a link to a room has a title, a text and a picture that loads', async () => {
    const { origin } = suite.pwa;
    const [room, start, live] = await cards(origin, ['/?room=golden-harbor-x7kqzm', '/', '/live/?room=große-halle']);
    expect(room).toEqual({
      title: 'Join golden-harbor-x7kqzm',
      scripts: 0,
      og: {
        'og:type': 'website',
        'og:title': 'Join golden-harbor-x7kqzm',
        'og:description': 'Video call on Tandem. Opens in the browser, nothing to install.',
        'og:url': `${origin}/?room=golden-harbor-x7kqzm`,
        'og:image': `${origin}/icons/poster.png`,
        'og:image:width': '1200',
        'og:image:height': '630',
        'og:site_name': 'Tandem',
      },
    });
    expect([start?.og['og:title'], live?.og['og:title']]).toEqual(['Tandem', 'Watch große-halle live']);
    const { page } = await suite.open();
    const size = await page.evaluate(async (src) => {
      const image = Object.assign(new Image(), { src });
      await image.decode();
      return [image.naturalWidth, image.naturalHeight];
    }, room?.og['og:image'] ?? '');
    expect(size).toEqual([1200, 630]);
  });

  test('a hostile name of a room is text, or is left out', async () => {
    const paths = HOSTILE.map((name) => `/?room=${name === '%' ? '%' : encodeURIComponent(name)}`);
    for (const card of await cards(suite.pwa.origin, paths)) {
      expect(card.title).toBe('Tandem');
      expect(card.scripts).toBe(0);
      expect(card.og).toMatchObject({ 'og:title': 'Tandem', 'og:url': `${suite.pwa.origin}/` });
    }
  });

  test('each maker of previews gets the card, and no browser of a person does', async () => {
    const title = async (agent: string) =>
      (await (await fetch(`${suite.pwa.origin}/?room=deep`, { headers: { 'user-agent': agent } })).text()).includes(
        '"Join deep"',
      );
    for (const agent of MAKERS) expect(await title(agent), agent).toBe(true);
    for (const agent of PEOPLE) expect(await title(agent), agent).toBe(false);
    const asset = await fetch(`${suite.pwa.origin}/sw.js`, { headers: { 'user-agent': MAKERS[0] ?? '' } });
    expect(asset.headers.get('content-type')).toContain('javascript');
  });

  test('CloudFront answers with the same page', async () => {
    const run = cloudFront({});
    for (const query of [
      'room=deep',
      `room=${encodeURIComponent(HOSTILE[0] ?? '')}`,
      'room=%',
      'x=1',
      'room=a+b',
      'room=a&room=b',
    ]) {
      const local = await fetch(`${suite.pwa.origin}/?${query}`, { headers: { 'user-agent': MAKERS[1] ?? '' } });
      const ours = (await local.text()).replaceAll(suite.pwa.origin, 'https://calls.example.com');
      const theirs = run('/', query, MAKERS[1] ?? '');
      expect(theirs.body.data, query).toBe(ours);
      // CloudFront developer guide, "Response object": lower-case names, each with a value.
      for (const [name, { value }] of Object.entries<{ value: string }>(theirs.headers))
        expect(local.headers.get(name), name).toBe(value);
    }
    expect(run('/', 'room=deep', PEOPLE[0] ?? '').uri).toBe('/index.html');
    expect(run('/whip/deep', '', MAKERS[0] ?? '').uri).toBe('/whip/deep');
  });
});

test('the name, the colour and the poster of config.json are in the card and in the manifest', async () => {
  const branding = {
    name: 'Klinik "Süd" <b>',
    poster: '/brand/poster.png',
    accent: { light: '#8a1c5b', dark: '#f0a3cf' },
  };
  const pwa = await startPwa({ clientSettings: { branding } });
  onTestFinished(() => pwa[Symbol.asyncDispose]());
  const [card] = await cards(pwa.origin, ['/?room=deep']);
  expect(card?.og).toMatchObject({
    'og:title': 'Join deep',
    'og:site_name': branding.name,
    'og:description': `Video call on ${branding.name}. Opens in the browser, nothing to install.`,
    'og:image': `${pwa.origin}/brand/poster.png`,
  });
  expect(cloudFront({ branding })('/', 'room=deep', MAKERS[0] ?? '').body.data).toContain(
    'Klinik &#34;Süd&#34; &#60;b&#62;',
  );
  const { page, context } = await suite.open({ origin: pwa.origin });
  const devtools = await context.newCDPSession(page);
  const { data, errors } = await devtools.send('Page.getAppManifest');
  expect(errors).toEqual([]);
  expect(JSON.parse(data ?? '')).toMatchObject({
    name: branding.name,
    short_name: branding.name,
    theme_color: '#8a1c5b',
  });
});

test('the card is in the first language that config.json offers, at the edge and of CloudFront, whose function stays small', async () => {
  const pwa = await startPwa({ clientSettings: { languages: ['ar', 'en'] } });
  onTestFinished(() => pwa[Symbol.asyncDispose]());
  const [card] = await cards(pwa.origin, ['/?room=deep']);
  expect(card?.og).toMatchObject({ 'og:title': 'انضم إلى deep', 'og:site_name': 'Tandem' });
  expect(card?.og['og:description']).toContain('مكالمة فيديو على Tandem.');
  for (const language of LANGUAGES) {
    const page = cloudFront({ languages: [language] })('/live', 'room=deep', MAKERS[0] ?? '').body.data;
    expect(page).toContain(`<html lang="${language}"`);
    expect(page).not.toMatch(/\{\w+\}/);
    expect(page).toMatch(/og:title" content="[^"]*deep/);
  }
});

/** The function as CloudFront runs it: alone, with an event (CloudFront developer guide, "Event structure"). */
function cloudFront(settings: object) {
  const code = viewerRequestCode('x-viewer-network', previewBrand(settings));
  // CloudFront quotas: 10 KB.
  expect(Buffer.byteLength(code)).toBeLessThan(10_240);
  const world = vm.createContext({});
  vm.runInContext(code, world);
  return (uri: string, query: string, agent: string) => {
    const querystring: Record<string, object> = {};
    for (const pair of query.split('&').filter(Boolean)) {
      const [name = '', value = ''] = pair.split('=');
      const before = querystring[name] as { multiValue?: object[]; value?: string } | undefined;
      querystring[name] = before ? { value, multiValue: [...(before.multiValue ?? [before]), { value }] } : { value };
    }
    const headers = { host: { value: 'calls.example.com' }, 'user-agent': { value: agent } };
    const event = { viewer: { ip: '192.0.2.9' }, request: { method: 'GET', uri, querystring, headers } };
    return JSON.parse(vm.runInContext(`JSON.stringify(handler(${JSON.stringify(event)}))`, world));
  };
}
