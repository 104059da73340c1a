/** A viewer of the live page behind a line of its own, for `npm run bench -- narrow --viewer`. */
import { createLogger } from '@tandem/service';
import type { Page } from 'playwright-core';
import type { MediaStack } from '../../test/support/media-stack.ts';
import { type NetworkPath, startPath } from '../../test/support/path.ts';

export interface LiveViewer extends AsyncDisposable {
  /** Answers to `readIncoming` and `tellSteps` as the pages of the SDK do. */
  readonly page: Page;
  readonly path: NetworkPath;
}

/** Opens `/live/?room=` behind an edge of its own, which knows these media nodes. @param beside a page of the browser to open it in */
export async function openLivePage(
  stack: MediaStack,
  beside: Page,
  { room, oneWayMs }: { readonly room: string; readonly oneWayMs: number },
): Promise<LiveViewer> {
  const [{ startEdge }, { clientDir, serveAuth }] = await Promise.all([
    import('../../infra/local/edge/server.ts'),
    import('../../test/pwa/harness.ts'),
  ]);
  await using stackOf = new AsyncDisposableStack();
  const { authPort, authServer } = await serveAuth(stack.keys);
  stackOf.defer(() => void authServer.close());
  const local = { HOST: '127.0.0.1', PORT: 0, LOG_LEVEL: 'silent' } as const;
  const targets = {
    AUTH_TARGETS: `http://127.0.0.1:${authPort}`,
    SIGNALING_TARGETS: stack.url.replace(/^ws/, 'http').replace(/\/ws.*/, ''),
    MEDIA_TARGETS: stack.nodes.map(({ httpPort }) => `http://127.0.0.1:${httpPort}`).join(),
  };
  const settings = { ...local, ...targets, CLIENT_DIR: clientDir, CLIENT_SETTINGS: '{}' };
  const edge = stackOf.use(await startEdge(settings, createLogger('edge', 'silent')));
  const path = stackOf.use(await startPath(`http://127.0.0.1:${edge.port}`, { oneWayMs }));
  const context = await beside.context().browser()?.newContext({ serviceWorkers: 'block' });
  if (!context) throw new Error('the page beside has no browser');
  stackOf.defer(() => context.close());
  await context.addInitScript(() => {
    const connections: RTCPeerConnection[] = [];
    Object.assign(globalThis, { harness: { connections, log: [], shown: () => ({}) } });
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        connections.push(this);
      }
    };
  });
  const page = await context.newPage();
  await page.goto(`${path.origin}/live/?room=${room}`);
  const kept = stackOf.move();
  return { page, path, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
