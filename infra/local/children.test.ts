/** What a child started ends with it, however the child ends. */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Children } from './children.ts';

/** Neither running nor a zombie that waits for whoever adopts it. */
const isGone = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true;
  }
};

/** A child that starts a program of its own and ignores SIGTERM, as both do. */
async function stubborn() {
  const folder = mkdtempSync(join(tmpdir(), 'children-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'program.pid');
  const children = new Children({ logDir: folder, env: { PATH: process.env.PATH }, say: () => {}, stopTimeoutMs: 100 });
  await children.start({
    name: 'agent',
    command: '/bin/sh',
    args: ['-c', `trap "" TERM; sleep 600 & echo $! > ${file}.new; mv ${file}.new ${file}; wait`],
    env: {},
    ready: async () => existsSync(file),
  });
  return { children, agent: children.pids.agent ?? 0, program: Number(readFileSync(file, 'utf8')) };
}

test('a child that is killed takes the program along that it ran', async () => {
  const { children, agent, program } = await stubborn();
  await using _children = children;
  expect([isGone(agent), isGone(program)]).toEqual([false, false]);
  process.kill(agent, 'SIGKILL');
  await vi.waitFor(() => expect([isGone(agent), isGone(program)]).toEqual([true, true]), 20_000);
});

test('a child that does not end in time is killed with its program', async () => {
  const { children, agent, program } = await stubborn();
  await children[Symbol.asyncDispose]();
  await vi.waitFor(() => expect([isGone(agent), isGone(program)]).toEqual([true, true]), 20_000);
});

/** Processes that `pid` started, whose command line holds `word`. */
const childrenOf = (pid: number, word: string): number[] =>
  readdirSync('/proc').flatMap((name) => {
    try {
      const parent = Number(/\) \S+ (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1]);
      return parent === pid && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(word) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });

test('a guard that was killed gets a successor, which ends the children of a killed runner and removes its folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'children-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const scratch = mkdtempSync(join(tmpdir(), 'children-scratch-'));
  onTestFinished(() => rmSync(scratch, { recursive: true, force: true }));
  const program = `
    import { Children } from ${JSON.stringify(join(import.meta.dirname, 'children.ts'))};
    const children = new Children({ logDir: ${JSON.stringify(folder)}, env: process.env, say: () => {}, scratch: ${JSON.stringify(scratch)} });
    await children.start({ name: 'one', command: 'sleep', args: ['600'], env: {}, ready: async () => true });
    setInterval(() => {}, 1000);`;
  const file = join(folder, 'runner.mjs');
  writeFileSync(file, program);
  const runner = spawn(process.execPath, [file]);
  onTestFinished(() => void runner.kill('SIGKILL'));
  const the = (word: string, not?: number) =>
    vi.waitFor(() => {
      const [found] = childrenOf(runner.pid ?? 0, word);
      if (found === undefined || found === not || isGone(found)) throw new Error(`no ${word}`);
      return found;
    }, 20_000);
  const [child, guard] = [await the('sleep'), await the('guard.ts')];
  process.kill(guard, 'SIGKILL');
  process.kill(child, 'SIGKILL');
  const [restarted] = [await the('sleep', child), await the('guard.ts', guard)];
  runner.kill('SIGKILL');
  await vi.waitFor(() => expect(isGone(restarted)).toBe(true), 20_000);
  await vi.waitFor(() => expect(existsSync(scratch)).toBe(false), 20_000);
});

test('a child that cannot be started again is tried again, and said', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'children-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const command = join(folder, 'program');
  copyFileSync('/bin/sleep', command);
  const said: string[] = [];
  const options = { logDir: folder, env: {}, say: (line: string) => void said.push(line) };
  await using children = new Children(options);
  await children.start({ name: 'one', command, args: ['600'], env: {}, ready: async () => true });
  rmSync(command);
  process.kill(children.pids.one ?? 0, 'SIGKILL');
  await vi.waitFor(() => expect(said.join()).toContain('ENOENT'), 20_000);
  copyFileSync('/bin/sleep', command);
  await vi.waitFor(() => expect(said).toContain('one is back.'), 20_000);
});

test.each([
  ['was steady', 0, 1],
  ['was not', 60_000, 2],
])('the second pause of a child that %s before it ended again', async (_, steadyMs, seconds) => {
  const folder = mkdtempSync(join(tmpdir(), 'children-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const said: string[] = [];
  await using children = new Children({
    logDir: folder,
    env: process.env,
    say: (line) => void said.push(line),
    steadyMs,
  });
  await children.start({ name: 'one', command: 'sleep', args: ['600'], env: {}, ready: async () => true });
  for (const end of [1, 2]) {
    process.kill(children.pids.one ?? 0, 'SIGKILL');
    await vi.waitFor(() => expect(said.filter((line) => line === 'one is back.')).toHaveLength(end), 20_000);
  }
  expect(said.filter((line) => line.includes('again')).map((line) => / in (\d+) s/.exec(line)?.[1])).toEqual([
    '1',
    `${seconds}`,
  ]);
});
