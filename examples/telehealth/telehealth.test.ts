/** A visit with two people in real Chromium, while the backend is killed; and those who have no business in it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { text as readText } from 'node:stream/consumers';
import { freePort } from '@tandem/service/testing';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { launchBrowser, openPage } from '../../test/support/browser.ts';
import { expectMedia } from '../../test/support/call.ts';
import { startDeployment } from '../../test/support/deployment.ts';
import { readLink, writeLink } from './links.ts';

const LINK_SECRET = 'secret-of-this-test';
const patience = { timeout: 60_000, interval: 250 };
const status = (page: Page) => page.locator('#status').textContent();

test('a visit outlives kill -9 of the backend, and only its two people get in', async () => {
  await using after = new AsyncDisposableStack();
  const deployment = after.use(await startDeployment({ allowedOrigins: '*' }));
  const port = await freePort();
  const startBackend = async () => {
    const { url, apiKey } = deployment;
    const env = { ...process.env, TANDEM_URL: url, TANDEM_API_KEY: apiKey, LINK_SECRET, PORT: String(port) };
    const child: ChildProcess = spawn(process.execPath, [new URL('main.ts', import.meta.url).pathname], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    after.defer(() => void child.kill('SIGKILL'));
    const links: string[] = [];
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      links.push(/\S+$/.exec(line)?.[0] ?? '');
      if (links.length === 2) break;
    }
    return { child, links };
  };
  const { child, links } = await startBackend();
  const [doctorLink = '', patientLink = ''] = links;

  const browser = await launchBrowser();
  after.defer(() => browser.close());
  const open = async (link: string) => {
    const { page } = await openPage(browser);
    await page.goto(link);
    await page.locator('#join').click();
    return page;
  };
  const patient = await open(patientLink);
  await expect.poll(() => status(patient), patience).toBe('Waiting for the other side');
  const doctor = await open(doctorLink);
  await expectMedia([doctor, patient]);
  expect(await status(doctor)).toBe('With your patient');
  expect(await status(patient)).toBe('With your doctor');
  expect(await patient.locator('#end').isHidden()).toBe(true);

  // A third one, with a link that was passed on; and one with a link that was changed.
  const third = await open(patientLink);
  await expect.poll(() => status(third), patience).toBe('Both are in the visit already.');
  const changed = await open(patientLink.replace('.patient.', '.doctor.'));
  await expect.poll(() => status(changed), patience).toMatch(/not one of ours/);
  const byPatient = await fetch(new URL('/api/end', patientLink), {
    method: 'POST',
    body: new URL(patientLink).hash.slice(1),
  });
  expect(byPatient.status).toBe(403);

  child.kill('SIGKILL');
  await once(child, 'exit');
  await expectMedia([doctor, patient]);
  await startBackend();
  await doctor.locator('#end').click();
  for (const page of [doctor, patient]) await expect.poll(() => status(page), patience).toBe('The visit is over.');
  const late = await open(patientLink);
  await expect.poll(() => status(late), patience).toBe('The visit is over.');
});

test('a port that is taken is one line that says what to do, and ends the deployment behind it', async () => {
  await using other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const run = async (value: string) => {
    const child = spawn(process.execPath, [new URL('main.ts', import.meta.url).pathname], {
      env: { ...process.env, TANDEM_URL: '', PORT: value },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [out, err, [code]] = await Promise.all([readText(child.stdout), readText(child.stderr), once(child, 'exit')]);
    return { code, out, err };
  };
  expect(await run(String(port))).toEqual({
    ...{ code: 1, out: '' },
    err: `Port ${port} is in use. Say another one: PORT=8001 npm run example:telehealth\n`,
  });
  expect(await run('web')).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^PORT=web cannot .*\n$/) });
});

test('a link that was changed anywhere is none', () => {
  const link = { visit: 'v-1', role: 'patient', endsAt: 1_795_000_000_000 } as const;
  const text = writeLink(link, LINK_SECRET);
  expect(readLink(text, LINK_SECRET)).toEqual(link);
  for (let at = 0; at < text.length - 1; at++) {
    const other = text[at] === 'a' ? 'b' : 'a';
    expect(readLink(text.slice(0, at) + other + text.slice(at + 1), LINK_SECRET)).toBeUndefined();
  }
  for (const none of ['', text.slice(1), `${text}a`, undefined, 7, text.repeat(10)])
    expect(readLink(none, LINK_SECRET)).toBeUndefined();
  expect(readLink(text, 'another')).toBeUndefined();
});
