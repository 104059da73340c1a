/** What is refused before anything is sent; the commands against a deployment: test/cli.test.ts. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Output } from './output.ts';
import { run } from './run.ts';
import { parseTurnUri } from './turn-probe.ts';

const API_KEY = 'tk_abcdefghij_0123456789abcdef-of-this-test';
const CONNECTION = { TANDEM_URL: 'https://calls.example.org', TANDEM_API_KEY: API_KEY };

async function tandem(args: readonly string[], { env = CONNECTION as NodeJS.ProcessEnv, input = '' } = {}) {
  let out = '';
  let err = '';
  const code = await run(args, {
    env: { HOME: '/nonexistent', ...env },
    signal: new AbortController().signal,
    write: (text) => {
      out += text;
    },
    writeError: (text) => {
      err += text;
    },
    readInput: async () => input,
  });
  return { code, out, err };
}

test.each<[string, readonly string[], NodeJS.ProcessEnv, RegExp]>([
  ['an unknown command', ['rooms', 'open'], CONNECTION, /no command rooms/],
  ['a name from the prototype', ['constructor'], CONNECTION, /no command constructor/],
  ['a missing argument', ['rooms', 'get'], CONNECTION, /ROOM is missing/],
  ['an argument too many', ['rooms', 'get', 'a', 'b'], CONNECTION, /what is b/],
  ['no number', ['rooms', 'list', '--limit', 'x'], CONNECTION, /--limit is x/],
  ['an unknown option', ['rooms', 'list', '--colour'], CONNECTION, /--colour/],
  ['no JSON object', ['rooms', 'create', '--metadata', '[1]'], CONNECTION, /--metadata is no JSON object/],
  ['a ban of all', ['peers', 'kick', 'a', 'b', '--ban', 'all'], CONNECTION, /--ban is one of none, login, user/],
  ['a key as an option', ['rooms', 'list', '--api-key', API_KEY], CONNECTION, /command line can be read/],
  ['a key as an argument', ['rooms', 'get', API_KEY], CONNECTION, /command line can be read/],
  ['no connection', ['rooms', 'list'], {}, /set TANDEM_URL and TANDEM_API_KEY/],
  ['half a connection', ['rooms', 'list'], { TANDEM_URL: 'https://a.example' }, /TANDEM_API_KEY is missing/],
  ['plain http', ['rooms', 'list'], { ...CONNECTION, TANDEM_URL: 'http://a.example' }, /url is not https/],
  ['a profile elsewhere', ['rooms', 'list', '--profile', '../x'], CONNECTION, /is no name of a profile/],
  ['an unknown profile', ['rooms', 'list', '--profile', 'x'], CONNECTION, /no profile x/],
  ['a room that is a path', ['rooms', 'get', '..'], CONNECTION, /roomId is not an id/],
])('%s is refused with exit code 2, without showing the key', async (_what, args, env, words) => {
  const { code, out, err } = await tandem(args, { env });
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(words);
  expect(err).not.toContain(API_KEY);
});

test('help: of all, and of each command', async () => {
  const all = await tandem([]);
  expect([all.code, all.err]).toEqual([0, '']);
  const names = [...all.out.matchAll(/^ {2}(\S+(?: \S+)?) {2,}/gm)].map(([, name = '']) => name);
  expect(names).toEqual(expect.arrayContaining(['rooms list', 'peers kick', 'doctor', 'load-test']));
  for (const name of names) {
    const help = await tandem([...name.split(' '), '--help']);
    expect([help.code, help.err]).toEqual([0, '']);
    expect(help.out).toMatch(`tandem ${name} `);
  }
});

test('a profile is kept where only its owner reads it, and refused where others do', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-profile-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const env = { XDG_CONFIG_HOME: folder };
  const url = 'https://calls.example.org';
  const set = await tandem(['profile', 'set', 'clinic', '--url', url], { env, input: `${API_KEY}\n` });
  expect(set).toMatchObject({ code: 0, err: '' });
  const file = set.out.trim().replace('kept in ', '');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ url, apiKey: API_KEY });
  expect((await tandem(['profile', 'list'], { env })).out).toBe('name\nclinic\n');
  chmodSync(file, 0o640);
  const refused = await tandem(['rooms', 'list', '--profile', 'clinic'], { env });
  expect([refused.code, refused.err]).toEqual([2, expect.stringMatching(/others may read/)]);
  // Written again, it is its owner's alone.
  await tandem(['profile', 'set', 'clinic', '--url', url], { env, input: API_KEY });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect((await tandem(['profile', 'set', 'x', '--url', url], { env, input: '' })).err).toMatch(/apiKey is empty/);
  expect((await tandem(['profile', 'remove', 'clinic'], { env })).code).toBe(0);
  expect((await tandem(['profile', 'list'], { env })).out).toBe('none\n');
});

test('what others chose cannot steer the terminal', () => {
  let out = '';
  const output = new Output((text) => {
    out += text;
  }, false);
  output.table([{ name: 'a\u001b[2J\u202eb' }], ['name']);
  output.show({ name: 'a\nb' });
  expect(out).toBe('name\na�[2J�b\nname  a�b\n');
});

test.each([
  ['turn:relay.example.org', { host: 'relay.example.org', port: 3478, transport: 'udp' }],
  ['turn:10.0.0.1:3479?transport=tcp', { host: '10.0.0.1', port: 3479, transport: 'tcp' }],
  ['turns:relay.example.org?transport=tcp', { host: 'relay.example.org', port: 5349, transport: 'tls' }],
  ['turns:[2001:db8::1]:443', { host: '2001:db8::1', port: 443, transport: 'tls' }],
  ['turns:relay.example.org?transport=udp', undefined],
  ['stun:relay.example.org', undefined],
])('%s', (uri, parsed) => expect(parseTurnUri(uri)).toEqual(parsed));
