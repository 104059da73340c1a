/** Real Chromium pages that hold the SDK, for tests of calls without any user interface. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';

export interface SdkBrowser extends AsyncDisposable {
  readonly origin: string;
  /** A new page with `harness` in it. Its console errors and uncaught errors are collected. */
  page(): Promise<Page>;
  readonly errors: string[];
}

/** @throws Error with the install line when there is no Chromium */
export async function startSdkBrowser(): Promise<SdkBrowser> {
  const scripts = new Map([
    ['/sdk.js', await bundle(new URL('./page.ts', import.meta.url), 'iife')],
    [
      '/encryption-worker.js',
      await bundle(new URL('../../packages/rtc/src/encryption/worker.ts', import.meta.url), 'esm'),
    ],
  ]);
  const server = createServer((request, response) => {
    const script = scripts.get(request.url ?? '');
    if (script !== undefined) response.setHeader('content-type', 'text/javascript').end(script);
    else
      response
        .setHeader('content-type', 'text/html')
        .end(
          '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body><script src="/sdk.js"></script>',
        );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let browser: Browser;
  try {
    browser = await launchBrowser();
  } catch (error) {
    server.close();
    throw error;
  }
  const errors: string[] = [];
  return {
    origin,
    errors,
    page: async () => {
      const page = await browser.newPage();
      page.on('pageerror', (error) => errors.push(String(error.stack ?? error)));
      await page.goto(origin);
      return page;
    },
    [Symbol.asyncDispose]: async () => {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

async function bundle(entry: URL, format: 'iife' | 'esm'): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry.pathname],
    bundle: true,
    write: false,
    format,
    target: 'es2022',
  });
  return outputFiles[0]?.text ?? '';
}

/** Asks `probe` every `pause` ms until it gives something true. @throws Error after `ms`, also when a page never answers */
export async function until<T>(
  what: string,
  probe: () => Promise<T | false | undefined | null>,
  ms = 120_000,
  pause = 100,
): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await within(Math.max(deadline - Date.now(), 5000), `${what} (an answer)`, probe());
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** What `promise` gives. @throws Error that names `what` after `ms`: a browser that never answers is named, not only timed out */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
