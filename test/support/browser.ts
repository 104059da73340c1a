/** Real Chromium with fake cameras, and the truth about its calls from getStats. */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { findProgram } from '../../infra/local/programs.ts';

/** In tests ten frames a second, half of what Chromium's fake cameras have by themselves and of what is measured: encoding is most of their work. */
const CAMERAS = process.env.VITEST === undefined ? 'device-count=3' : 'device-count=3,fps=10';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--use-fake-device-for-media-stream=${CAMERAS}`,
  '--use-fake-ui-for-media-stream',
  '--allow-loopback-in-peer-connection',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
];

/**
 * @param more flags; of two that say different things the later one holds
 * @throws Error with the install line when there is no Chromium
 */
export function launchBrowser(more: readonly string[] = []): Promise<Browser> {
  return launchPlainBrowser([...FLAGS, ...more]);
}

/** As at home: no fake devices, nothing gathered from the loopback interface. @throws as launchBrowser */
export async function launchPlainBrowser(
  args: readonly string[] = ['--no-sandbox', '--disable-gpu'],
): Promise<Browser> {
  const executablePath = ['chromium', 'chromium-browser', 'google-chrome'].map((n) => findProgram(n)).find(Boolean);
  if (!executablePath) throw new Error('Chromium is missing: apt-get install chromium');
  return chromium.launch({ executablePath, args: [...args], timeout: 120_000 });
}

/** What one page receives and over which kind of path, summed over its peer connections. */
export interface Received {
  framesDecoded: number;
  audioEnergy: number;
  /** Candidate types of the selected pairs, this side's first: `host/host`, `relay/relay`. */
  paths: string[];
  /** ICE transport policies that the page asked for. */
  policies: string[];
}

/** A page of its own context (own storage, own identity) that keeps every RTCPeerConnection it makes. */
export async function openPage(browser: Browser): Promise<{ context: BrowserContext; page: Page; errors: string[] }> {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    viewport: { width: 900, height: 700 },
    serviceWorkers: 'block',
  });
  await context.addInitScript(() => {
    const kept: RTCPeerConnection[] = [];
    Object.assign(globalThis, { keptConnections: kept });
    globalThis.RTCPeerConnection = new Proxy(globalThis.RTCPeerConnection, {
      construct(target, args) {
        const connection = Reflect.construct(target, args) as RTCPeerConnection;
        kept.push(connection);
        return connection;
      },
    });
  });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  return { context, page, errors };
}

/** Ask the page's peer connections, not its DOM. */
export function received(page: Page): Promise<Received> {
  return page.evaluate(async () => {
    const { keptConnections } = globalThis as unknown as { keptConnections: RTCPeerConnection[] };
    const out: Received = { framesDecoded: 0, audioEnergy: 0, paths: [], policies: [] };
    for (const connection of keptConnections) {
      if (connection.connectionState === 'closed') continue;
      out.policies.push(connection.getConfiguration().iceTransportPolicy ?? 'all');
      const stats = new Map<string, Record<string, unknown>>();
      for (const [id, report] of (await connection.getStats()) as unknown as Map<string, Record<string, unknown>>)
        stats.set(id, report);
      for (const report of stats.values()) {
        if (report.type === 'inbound-rtp') {
          out.framesDecoded += Number(report.framesDecoded ?? 0);
          out.audioEnergy += Number(report.totalAudioEnergy ?? 0);
        }
        const pair = report.type === 'transport' && stats.get(String(report.selectedCandidatePairId));
        if (pair) {
          const kind = (id: unknown) => stats.get(String(id))?.candidateType;
          out.paths.push(`${kind(pair.localCandidateId)}/${kind(pair.remoteCandidateId)}`);
        }
      }
    }
    return out;
  });
}
