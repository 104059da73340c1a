/** Rules of docs/style.md that no linter knows. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { measureSources } from '../scripts/lib/house-counts.mjs';

const root = new URL('../', import.meta.url);

/** Names of the classes in `text` that extend an error and do not end in `Error`. */
function misnamedErrors(text: string): string[] {
  const classes = [...text.matchAll(/\bclass (\w+) extends (?:\w+\.)?(\w*Error)\b/g)];
  return classes.flatMap(([, name = '']) => (name.endsWith('Error') ? [] : [name]));
}

/** Findings of `find` in all sources but this one, each with its file. */
function findings(find: (text: string, file: string) => readonly string[]): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.tsx'], {
    cwd: root,
    encoding: 'utf8',
  });
  const files = listed.split('\n').filter((file) => file !== '' && file !== 'test/house.test.ts');
  expect(files.length).toBeGreaterThan(100);
  return files.flatMap((file) =>
    find(readFileSync(new URL(file, root), 'utf8'), file).map((found) => `${file}: ${found}`),
  );
}

/** What is no part of the product: tests, their parts, benches. */
const isTesting = (file: string) => /^(test|bench)\/|testing|\.(test|world)\.tsx?$/.test(file);

test('error classes end in Error', () => {
  expect(misnamedErrors('export class GiveUp extends Error {}\nclass BadError extends ApiError {}')).toEqual([
    'GiveUp',
  ]);
  expect(findings(misnamedErrors)).toEqual([]);
});

/** UDP sockets in `text` that read answers from anyone: a stranger's datagram must not be taken for one. */
function openSockets(text: string): string[] {
  const reads = /createSocket\([^\n]*, \w+\)|\bsocket\.on\('message'/.test(text);
  return text.includes("'node:dgram'") && reads && !/\bsocket\.connect\(/.test(text) ? ['a UDP socket'] : [];
}

test('a UDP socket that reads answers is connected to whom it asked', () => {
  const source = "import { createSocket } from 'node:dgram';\nconst socket = createSocket('udp4');\n";
  expect(openSockets(`${source}socket.on('message', read);`)).toHaveLength(1);
  expect(openSockets(`${source}socket.on('message', read);\nsocket.connect(3478, address);`)).toEqual([]);
  expect(findings((text, file) => (isTesting(file) ? [] : openSockets(text)))).toEqual([]);
});

/** Clients of the AWS SDK in `text` that wait for a silent endpoint as long as the SDK does. */
function patientClients(text: string): string[] {
  if (!text.includes('@aws-sdk/client-')) return [];
  const made = [...text.matchAll(/\bnew (?:\w+\.)?([A-Z]\w*Client)\(([^;]*?)\)(?=[\s;,.)])/g)];
  return made.flatMap(([, name = '', settings = '']) => (/_LIMITS\b|requestHandler:/.test(settings) ? [] : [name]));
}

test('each client of the AWS SDK has limits (packages/service/src/aws-limits.ts)', () => {
  const sdk = "import * as sdk from '@aws-sdk/client-sqs';\n";
  expect(patientClients(`${sdk}a = new sdk.SQSClient({ region });\nb = new SQSClient(AWS_LIMITS);`)).toEqual([
    'SQSClient',
  ]);
  expect(patientClients(`${sdk}a = new SQSClient({\n  ...AWS_LIMITS,\n  ...(region ? { region } : {}),\n});`)).toEqual(
    [],
  );
  expect(findings((text, file) => (isTesting(file) ? [] : patientClients(text)))).toEqual([]);
});

/**
 * Findings of `npm run house -- --list` that remain, by folder: [functions over 60 lines, files over 300 lines, avoided words]. They only
 * go down: lower a number with the change that makes it smaller.
 */
const REMAINING: Record<string, [functions: number, files: number, words: number]> = {
  'packages/protocol/': [0, 0, 0],
  'packages/rtc/': [0, 0, 2],
  'packages/server/': [0, 0, 0],
  'packages/embed/': [0, 0, 0],
  'packages/react/': [0, 0, 0],
  'packages/cli/': [0, 0, 0],
  'packages/service/': [0, 0, 0],
  'apps/auth/': [0, 0, 0],
  'apps/captions/': [0, 0, 0],
  'apps/hooks/': [0, 0, 0],
  'apps/signaling/': [1, 0, 3],
  'apps/client/': [0, 0, 13],
  'infra/': [0, 0, 0],
  'scripts/': [0, 0, 0],
  'examples/': [0, 0, 0],
};

test('long functions, long files and avoided words grow in no folder', () => {
  const { functions, files, words } = measureSources(fileURLToPath(root));
  for (const [folder, limits] of Object.entries(REMAINING)) {
    const found = [functions, files, words].map((entries) => entries.filter((entry) => entry.startsWith(folder)));
    for (const [i, limit] of limits.entries())
      if ((found[i]?.length ?? 0) > limit)
        expect.fail(`${folder}: more than ${limit}, see docs/style.md and docs/glossary.md:\n${found[i]?.join('\n')}`);
  }
});
