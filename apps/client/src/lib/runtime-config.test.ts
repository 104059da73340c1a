/** config.json is a file that operators write and anybody may serve: nothing in it may keep the page from joining. */
import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { readRuntimeConfig } from '../config.ts';
import { apiUrl, signalingSocketUrl } from './runtime-config.ts';

const DEFAULTS = {
  signalingUrl: '',
  authUrl: '',
  iceTransportPolicy: 'all',
  traceSampling: 0.01,
  region: '',
  reportSampling: 1,
  embedOrigins: [],
  captionLanguages: [],
  captionsUrl: '',
};

function read(file: unknown) {
  const told: string[] = [];
  return { config: readRuntimeConfig(file, (line) => told.push(line)), told };
}

test('what is right is taken, numbers as text too; what is not known is left', () => {
  const given = {
    signalingUrl: 'wss://s.example.org',
    authUrl: 'https://a.example.org',
    iceTransportPolicy: 'relay',
    traceSampling: '0.5',
    region: 'eu-west-1',
    reportSampling: 0.1,
    embedOrigins: ['https://clinic.example.org', 'https://clinic.example.org:8443', 'http://localhost:5173'],
    captionLanguages: ['en', 'pt-BR', 'zh-Hans'],
    captionsUrl: 'wss://captions.example.org',
  };
  const { config, told } = read({ ...given, another: 1 });
  expect([config, told]).toEqual([{ ...given, traceSampling: 0.5 }, []]);
});

test.each<[string, unknown]>([
  ['signalingUrl', 5],
  ['signalingUrl', 'nonsense'],
  ['authUrl', 'javascript:alert(1)'],
  ['authUrl', 'https://'],
  ['iceTransportPolicy', 'x'],
  ['traceSampling', 'lots'],
  ['traceSampling', 2],
  ['reportSampling', 0],
  ['region', null],
  ['region', 'x'.repeat(25)],
  ['captionLanguages', 'en'],
  ['captionLanguages', ['en', 'en&lang=de']],
  ['captionLanguages', Array.from({ length: 33 }, () => 'en')],
  ['captionsUrl', 'javascript:alert(1)'],
  ['embedOrigins', 'https://a.example'],
  ...[
    ...['*', 'https://*.example.org', 'https://a.example/', 'https://a.example:443', 'https://A.example'],
    ...['http://a.example', 'https://a.example; script-src *', "'self'", 'https://a.example\n', 'null', 5],
  ].map((origin) => ['embedOrigins', ['https://good.example', origin]] as [string, unknown]),
  ['embedOrigins', Array.from({ length: 21 }, (_, n) => `https://a${n}.example`)],
])('%s: %o has the default, and is named', (name, value) => {
  const { config, told } = read({ [name]: value });
  expect(config).toEqual(DEFAULTS);
  expect(told).toHaveLength(1);
  expect(told[0]).toContain(name);
});

test('any JSON gives settings whose addresses can be used', () => {
  const fields = fc.record(
    Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, fc.oneof(fc.jsonValue(), fc.webUrl())])),
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fields), (file) => {
      const { config } = read(file);
      expect(signalingSocketUrl(config, 'https://page.example.org')).toMatch(/^wss?:/);
      expect(apiUrl(config.authUrl, '/auth/token', 'https://page.example.org')).toMatch(/^https?:/);
    }),
  );
});

/** A page that gets these answers for config.json, the last one from then on. */
async function pageThatGets(...answers: (() => Response)[]) {
  vi.useFakeTimers();
  vi.resetModules();
  vi.stubGlobal('location', { search: '', origin: 'https://page.example' });
  const fetched = vi.fn(async () => (answers.length > 1 ? answers.shift() : answers[0])?.());
  vi.stubGlobal('fetch', fetched);
  onTestFinished(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });
  const { loadRuntimeConfig } = await import('./runtime-config.ts');
  const load = async () => {
    const config = loadRuntimeConfig();
    await vi.runAllTimersAsync();
    return (await config).iceTransportPolicy;
  };
  return { load, fetched };
}

const relay = () => Response.json({ iceTransportPolicy: 'relay' });
const busy = () => new Response('busy', { status: 503 });
const away = () => {
  throw new TypeError('Failed to fetch');
};

test('a host that does not answer for a moment decides nothing about a call, and one that is away is asked again later', async () => {
  for (const fails of [busy, away]) {
    const moment = await pageThatGets(fails, relay);
    expect(await moment.load()).toBe('relay');
    const longer = await pageThatGets(fails, fails, fails, relay);
    expect(await longer.load()).toBe('all');
    expect(await longer.load()).toBe('relay');
    await longer.load();
    expect(longer.fetched).toHaveBeenCalledTimes(4);
  }
});

test('a file that is not there is asked for once', async () => {
  const { load, fetched } = await pageThatGets(() => new Response('', { status: 404 }));
  expect([await load(), await load()]).toEqual(['all', 'all']);
  expect(fetched).toHaveBeenCalledOnce();
});
