/**
 * What each ACL user of the constructs may do, asked of a real server by ACL DRYRUN, against what its program sends: no more and no less, on no key and
 * no channel of another part. test/cache-users.test.ts runs the programs.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startRedis } from '@tandem/service/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HOOKS_ACCESS, MEDIA_NODE_ACCESS, SERVICE_ACCESS, TURN_NODE_ACCESS } from '../infra/src/cache-access.ts';

const repository = join(import.meta.dirname, '..');
const USERS = {
  services: SERVICE_ACCESS,
  'turn-node': TURN_NODE_ACCESS,
  'media-node': MEDIA_NODE_ACCESS,
  hooks: HOOKS_ACCESS,
} as const;
type User = keyof typeof USERS;

/** Of whom the programs of a user are made, besides what they import of @tandem/service. */
const PROGRAMS: Readonly<Partial<Record<User, readonly string[]>>> = {
  'turn-node': ['infra/turn-node', 'infra/node-kit'],
  'media-node': ['infra/media-node', 'infra/node-kit'],
  hooks: ['apps/hooks/src'],
};

/** Every key that the stack keeps is of one of these families: who writes it, and who besides reads it. */
const FAMILIES: readonly {
  readonly key: string;
  readonly writes: readonly User[];
  readonly reads?: readonly User[];
}[] = [
  { key: 'tandem:{turn}:nodes', writes: ['services', 'turn-node'] },
  { key: 'tandem:{media}:nodes', writes: ['services', 'media-node'] },
  { key: 'tandem:{media}:room:r', writes: ['services', 'media-node'] },
  { key: 'tandem:{media}:calls:n', writes: ['services', 'media-node'] },
  { key: 'tandem:{media}:recording:r', writes: ['services', 'media-node'] },
  { key: 'tandem:{revocations}', writes: ['services'], reads: ['turn-node', 'media-node', 'hooks'] },
  { key: 'tandem:{nodes}', writes: ['services'], reads: ['hooks'] },
  { key: 'tandem:{p:17}:outbox', writes: ['services', 'hooks'] },
  { key: 'tandem:{hooks}:endpoints', writes: ['services', 'hooks'] },
  { key: 'tandem:rate:hooks-key:1', writes: ['services', 'hooks'] },
  { key: 'tandem:rate:join:1', writes: ['services'] },
  { key: 'tandem:auth:session:1', writes: ['services'] },
  { key: 'tandem:auth:user:1', writes: ['services'] },
  { key: 'tandem:session:1', writes: ['services'] },
  { key: 'tandem:{recordings}:unready', writes: ['services'] },
  // Nobody's: another application of the same cache.
  ...['other', 'tandemx', '{turn}:nodes'].map((key) => ({ key, writes: [] })),
];

const RATE_LIMITS = join(repository, 'node_modules/rate-limiter-flexible/lib/RateLimiterRedis.js');

/** What clients ask for themselves. Source: ioredis' Cluster (CLUSTER INFO, CLUSTER SLOTS) and ready check (INFO); valkey-go and redis-py ask NODES or SHARDS. */
const OF_CLIENTS = ['info', 'cluster|info', 'cluster|slots', 'cluster|nodes', 'cluster|shards'];

let redis: Redis;
let server: Awaited<ReturnType<typeof startRedis>>;
/** Every command of the server, those of a container as `container|name`, with the fewest arguments that it takes. */
let commands: ReadonlyMap<string, number>;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  for (const [user, access] of Object.entries(USERS))
    await redis.call('ACL', 'SETUSER', user, 'nopass', ...access.split(' '));
  type Info = [name: string, arity: number, ...unknown[]];
  const infos = (await redis.call('COMMAND', 'INFO', ...((await redis.call('COMMAND', 'LIST')) as string[]))) as Info[];
  const parts = infos.flatMap((info): Info[] => [info, ...((info[9] as Info[] | undefined) ?? [])]);
  commands = new Map(parts.map(([name, arity]) => [name, Math.abs(arity)]));
});
afterAll(async () => {
  redis?.disconnect();
  await server?.[Symbol.asyncDispose]();
});

const dryRun = async (user: User, words: readonly string[]): Promise<string> =>
  String(await redis.call('ACL', 'DRYRUN', user, ...words).catch((error: Error) => error.message));

/** All that this user may run, whatever the key. */
async function allowed(user: User): Promise<Set<string>> {
  const found = new Set<string>();
  for (const [name, words] of commands) {
    const [first = '', second] = name.split('|');
    // A container is no command; its parts are.
    if (second === undefined && [...commands.keys()].some((one) => one.startsWith(`${first}|`))) continue;
    const given = [first, ...(second ? [second] : [])];
    const answer = await dryRun(user, [...given, ...Array(Math.max(0, words - given.length)).fill('1')]);
    if (!answer.includes('no permissions to run')) found.add(name);
  }
  return found;
}

const filesOf = (folder: string): string[] =>
  readdirSync(join(repository, folder), { withFileTypes: true, recursive: true })
    .filter(
      (one) => one.isFile() && /\.(ts|lua)$/.test(one.name) && !/test|world/.test(`${one.parentPath}/${one.name}`),
    )
    .map((one) => readFileSync(join(one.parentPath, one.name), 'utf8'));

/** What a file of @tandem/service declares at its top. */
interface Declaration {
  readonly name: string;
  readonly exported: boolean;
  readonly text: string;
  /** Of the same file, this one too. */
  readonly beside: Declaration[];
}

function declarationsOf(file: string): Declaration[] {
  const beside: Declaration[] = [];
  for (const text of file.split(/^(?=(?:export )?(?:async )?(?:function|const|class) )/m)) {
    const [, exported, name] = /^(export )?(?:async )?(?:function|const|class) (\w+)/.exec(text) ?? [];
    if (name) beside.push({ name, exported: exported !== undefined, text, beside });
  }
  return beside;
}

/** Commands of the server that these programs name, in TypeScript and in scripts, with all that they reach in @tandem/service. */
function sentBy(folders: readonly string[]): string[] {
  const all = filesOf('packages/service/src').flatMap(declarationsOf);
  const own = folders.flatMap(filesOf);
  const imports = own.flatMap((text) =>
    [...text.matchAll(/^import [^;]* from '@tandem\/service[^']*'/gm)].map(([one]) => one),
  );
  const found = new Set<Declaration>();
  const reach = (text: string, beside: readonly Declaration[]) => {
    const words = new Set(text.replace(/^\s*(\*|\/\/).*$/gm, '').match(/\b[A-Za-z_]\w+\b/g));
    for (const one of all) if (words.has(one.name) && (one.exported || beside.includes(one))) found.add(one);
  };
  for (const text of imports) reach(text, []);
  // It grows while it is walked.
  for (const one of found) reach(one.text, one.beside);
  const reached = [...found].map(({ text }) => text);
  // The library of rate limits sends a script of its own; without Redis it counts in memory.
  const limits = own.some((text) => /createRateLimiter\([^;]*\bredis\b/.test(text));
  const texts = [...own, ...reached, ...(limits ? [/`[^`]*`/.exec(readFileSync(RATE_LIMITS, 'utf8'))?.[0] ?? ''] : [])];
  const calls = /\bredis\.p?call\(\s*'(\w+)'(?:,\s*'(\w+)')?|\b(?:redis|own|calls|client)\??\.(\w+)\((?:'(\w+)')?/gi;
  const sent = texts.flatMap((text) =>
    [...text.matchAll(calls)].map(([, script, ofScript, method, ofMethod]) => {
      const [name = '', part = ''] = script ? [script, ofScript] : [method, ofMethod];
      return commands.has(`${name}|${part}`.toLowerCase()) ? `${name}|${part}` : name;
    }),
  );
  return [...new Set(sent.map((name) => name.toLowerCase()))].filter((name) => commands.has(name)).sort();
}

test.each(Object.entries(PROGRAMS) as [User, string[]][])(
  '%s may run what its program sends, what every client asks for itself, and nothing else',
  async (user, folders) => {
    const sent = sentBy(folders);
    expect(sent.length).toBeGreaterThan(2);
    const may = await allowed(user);
    expect(sent.filter((name) => !may.has(name))).toEqual([]);
    const harmless = new Set((await redis.call('ACL', 'CAT', 'connection')) as string[]);
    const others = [...may].filter((name) => !harmless.has(name) && !OF_CLIENTS.includes(name));
    expect(others.sort()).toEqual(sent);
    for (const name of OF_CLIENTS) expect(may).toContain(name);
  },
);

test('no user administers: nothing of @admin or @dangerous but what clients ask for', async () => {
  const dangerous = new Set<string>();
  for (const category of ['admin', 'dangerous'])
    for (const name of (await redis.call('ACL', 'CAT', category)) as string[]) dangerous.add(name);
  expect(dangerous.size).toBeGreaterThan(50);
  for (const user of Object.keys(USERS) as User[]) {
    const may = await allowed(user);
    const wrong = [...may].filter((name) => dangerous.has(name) && !OF_CLIENTS.includes(name));
    expect(wrong, user).toEqual([]);
  }
});

test.each(FAMILIES)('$key is of $writes', async ({ key, writes, reads = [] }) => {
  for (const user of Object.keys(USERS) as User[]) {
    // Commands that some user has are tried with this key; keys are refused whatever the type of what they hold.
    const may = await allowed(user);
    const tries = (names: string[][]) =>
      Promise.all(names.filter(([name = '']) => may.has(name)).map((words) => dryRun(user, words)));
    const written = await tries([
      ['hset', key, 'f', 'v'],
      ['zadd', key, '1', 'm'],
      ['del', key],
    ]);
    const read = await tries([
      ['hgetall', key],
      ['xread', 'STREAMS', key, '0'],
      ['zrange', key, '0', '-1'],
    ]);
    const mayWrite = writes.includes(user);
    expect(new Set(written), `${user} writes ${key}`).toEqual(new Set([mayWrite ? 'OK' : denied(key)]));
    if (user === 'turn-node' && mayWrite) continue;
    expect(new Set(read), `${user} reads ${key}`).toEqual(
      new Set([mayWrite || reads.includes(user) ? 'OK' : denied(key)]),
    );
  }
});
const denied = (key: string) => expect.stringContaining(`no permissions to access the '${key}' key`);

test('every key that the sources name is of a family above', () => {
  const texts = ['packages/service/src', 'apps/auth/src', 'apps/signaling/src', 'apps/hooks/src'].flatMap(filesOf);
  const named = texts.flatMap((text) =>
    [...text.matchAll(/['`](tandem:(?:\{[a-z]+\}|auth|rate)[:\w-]*)/g)].map(([, key = '']) => key),
  );
  expect(new Set(named).size).toBeGreaterThan(8);
  const isKnown = (key: string) => FAMILIES.some((one) => one.key.startsWith(key) || key.startsWith(one.key));
  expect(named.filter((key) => !isKnown(key))).toEqual([]);
});

test('only auth and signaling have channels, and only ours', async () => {
  for (const user of Object.keys(USERS) as User[])
    for (const channel of ['tandem:{nodes}', 'tandem:room', 'other', '__keyspace@0__:tandem:x'])
      for (const command of ['publish', 'spublish', 'subscribe', 'ssubscribe']) {
        const answer = await dryRun(user, [command, channel, ...(command.endsWith('publish') ? ['x'] : [])]);
        expect(answer === 'OK', `${user} ${command} ${channel}`).toBe(
          user === 'services' && channel.startsWith('tandem:'),
        );
      }
});
