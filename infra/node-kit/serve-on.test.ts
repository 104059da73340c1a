import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const script = (isGuarded: boolean) => `
import { serveOn } from '${new URL('./serve-on.ts', import.meta.url).href}';
if (${isGuarded}) serveOn((event, { error }) => console.log(event, error.split('\\n')[0]));
Promise.reject(new Error('forgotten'));
setTimeout(() => console.log('serves on'), 20);`;
const run = (isGuarded: boolean) =>
  promisify(execFile)(process.execPath, ['--input-type=module', '-e', script(isGuarded)]);

test('a rejection that nothing waits for is said, and the process serves on', async () => {
  expect((await run(true)).stdout.trim().split('\n')).toEqual(['background.failed Error: forgotten', 'serves on']);
  await expect(run(false)).rejects.toMatchObject({ code: 1, stdout: '' });
});
