/** What a child started ends with it, however the child ends. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
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
