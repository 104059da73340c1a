import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startJanus } from './janus-process.ts';

const ws = createRequire(import.meta.url).resolve('ws');

/** Stands in for Janus: notes the port of each start, and ends at once `times` times, as with a port that is taken; then it listens. */
const program = (folder: string, times: number) => `
const { appendFileSync, readFileSync } = require('node:fs');
const settings = readFileSync(${JSON.stringify(join(folder, 'janus.transport.websockets.jcfg'))}, 'utf8');
const port = Number(/ws_port = ([0-9]+)/.exec(settings)[1]);
const notes = ${JSON.stringify(join(folder, 'starts'))};
appendFileSync(notes, port + ' ');
if (readFileSync(notes, 'utf8').trim().split(' ').length <= ${times}) process.exit(1);
new (require(${JSON.stringify(ws)}).WebSocketServer)({ host: '127.0.0.1', port });
`;

async function portsOf(times: number): Promise<{ outcome: string; ports: string[] }> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'janus-'));
  const file = join(folder.path, 'janus.cjs');
  await writeFile(file, program(folder.path, times));
  const started = startJanus({
    program: { command: process.execPath, args: [file], version: '0' },
    ...{ runDir: folder.path, address: '192.0.2.1', mediaPorts: [40_000, 40_010], eventLoops: 1 },
    complain: () => {},
  });
  const outcome = await started.then(
    async (janus) => {
      await janus[Symbol.asyncDispose]();
      return 'listens';
    },
    (error) => error.code,
  );
  return { outcome, ports: (await readFile(join(folder.path, 'starts'), 'utf8')).trim().split(' ') };
}

test('a port that was taken meanwhile: Janus begins once more with another one, and not again', async () => {
  const { outcome, ports } = await portsOf(1);
  expect([outcome, ports.length, new Set(ports).size]).toEqual(['listens', 2, 2]);
  expect(await portsOf(9)).toMatchObject({ outcome: 'gone', ports: { length: 2 } });
});
