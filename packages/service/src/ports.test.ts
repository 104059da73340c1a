import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { claimPort, freePort, isPortFree } from './ports.ts';

const run = promisify(execFile);

test('a port that was given is given to nothing else, in this process or another, before its server listens', async () => {
  const port = await freePort();
  expect(await claimPort(port)).toBe(false);
  const module = new URL('./ports.ts', import.meta.url).href;
  const script = `import(${JSON.stringify(module)}).then(async (p) => console.log(await p.claimPort(${port}), await p.isPortFree(${port}, '127.0.0.1')))`;
  const { stdout } = await run(process.execPath, ['-e', script]);
  expect(stdout.trim()).toBe('false true');
});

test('a claim ends with its process, also where that is killed', async () => {
  const module = new URL('./ports.ts', import.meta.url).href;
  const script = `import(${JSON.stringify(module)}).then(async (p) => { console.log(await p.freePort()); process.kill(process.pid, 'SIGKILL'); })`;
  const { stdout } = await run(process.execPath, ['-e', script]).catch((error: { stdout: string }) => error);
  expect(Number(stdout)).toBeGreaterThanOrEqual(10_000);
  expect(await claimPort(Number(stdout))).toBe(true);
});

test('a port at which a server listens is not free', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(await isPortFree(port, '127.0.0.1')).toBe(false);
  await new Promise((resolve) => server.close(resolve));
  expect(await isPortFree(port, '127.0.0.1')).toBe(true);
});
