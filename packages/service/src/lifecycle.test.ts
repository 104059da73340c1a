import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';

const LIFECYCLE = new URL('./lifecycle.ts', import.meta.url).href;

/** A process that runs a service whose start and disposal are given as code. */
function serve(
  start: string,
  deadlineMs: number,
  leaves = '',
): { child: ChildProcess; said: () => string; ended: Promise<number> } {
  const code = `
    import { runService } from '${LIFECYCLE}';
    const line = (fields) => console.log(JSON.stringify(fields.event ?? fields.err.message));
    const service = async () => { ${start} };
    await runService({ info: line, error: line, fatal: line }, service, ${deadlineMs}, ${leaves || undefined});
    console.log('up');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stdout?.on('data', (chunk) => {
    said += chunk;
  });
  return { child, said: () => said, ended: once(child, 'exit').then(([exit]) => exit as number) };
}
const heard = (process: ReturnType<typeof serve>, what: string) =>
  expect.poll(process.said, { timeout: 20_000 }).toContain(what);

const SLOW = 'return { [Symbol.asyncDispose]: () => new Promise(() => {}) };';

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s disposes of the service, then the process ends with 0',
  async (signal) => {
    const process = serve(`return { [Symbol.asyncDispose]: async () => console.log('disposed') };`, 60_000);
    await heard(process, 'up');
    process.child.kill(signal);
    expect(await process.ended).toBe(0);
    expect(process.said()).toBe('up\n"shutdown.begin"\ndisposed\n"shutdown.end"\n');
  },
);

test('a second signal ends a drain that hangs', async () => {
  const process = serve(SLOW, 60_000);
  await heard(process, 'up');
  process.child.kill('SIGTERM');
  await heard(process, 'shutdown.begin');
  process.child.kill('SIGTERM');
  expect(await process.ended).toBe(1);
});

test('so does the deadline', async () => {
  const process = serve(SLOW, 50);
  await heard(process, 'up');
  process.child.kill('SIGTERM');
  expect(await process.ended).toBe(1);
  expect(process.said()).toContain('shutdown.deadline');
});

test('a failed start is one line and 1', async () => {
  const process = serve(`throw new Error('PORT: taken');`, 60_000);
  expect(await process.ended).toBe(1);
  expect(process.said()).toContain('PORT: taken');
});

test('a service that is to leave is disposed of without a signal; a first signal during that is no second one', async () => {
  const slowly = `return { [Symbol.asyncDispose]: () => new Promise((done) => process.once('SIGTERM', () => setTimeout(done, 50))) };`;
  const process = serve(slowly, 60_000, '() => new Promise((done) => setTimeout(done, 50))');
  await heard(process, 'shutdown.begin');
  process.child.kill('SIGTERM');
  expect(await process.ended).toBe(0);
  expect(process.said()).toContain('shutdown.end');
  const hanging = serve(SLOW, 60_000, 'async () => {}');
  await heard(hanging, 'shutdown.begin');
  hanging.child.kill('SIGTERM');
  hanging.child.kill('SIGINT');
  expect(await hanging.ended).toBe(1);
});

test('work in the background that fails is a line, and the service goes on and ends as it should', async () => {
  const process = serve(
    `setTimeout(() => void Promise.reject(new TypeError('of ours')), 20); setTimeout(() => console.log('on'), 100);
     return { [Symbol.asyncDispose]: async () => {} };`,
    60_000,
  );
  await heard(process, 'on');
  expect(process.said()).toContain('background.failed');
  process.child.kill('SIGTERM');
  expect(await process.ended).toBe(0);
});

test('an exception outside of a promise ends it, and a drain that fails ends it at once', async () => {
  const thrown = serve(`setTimeout(() => { throw new Error('of ours') }, 20); return {};`, 60_000);
  expect(await thrown.ended).toBe(1);
  const failing = serve(`return { [Symbol.asyncDispose]: async () => { throw new Error('of ours') } };`, 60_000);
  await heard(failing, 'up');
  failing.child.kill('SIGTERM');
  expect(await failing.ended).toBe(1);
  expect(failing.said()).toContain('shutdown.failed');
});

test('a signal during the start ends the process, which then does not come up', async () => {
  const process = serve(`console.log('starting'); return new Promise((up) => setTimeout(up, 60_000));`, 60_000);
  await heard(process, 'starting');
  process.child.kill('SIGTERM');
  expect(await process.ended).toBe(0);
  expect(process.said()).toBe('starting\n"shutdown.begin"\n');
});
