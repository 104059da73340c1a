/** The whole topology as processes of this machine: what `npm start` runs and what the system tests call through. */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { claimName } from '@tandem/service/ports';
import { selfSigned } from './certificate.ts';
import { Children } from './children.ts';
import {
  authChild,
  captionsChild,
  composerChild,
  edgeChild,
  hooksChild,
  mediaChild,
  packagerChild,
  redisChild,
  signalingChildren,
  turnChild,
} from './parts.ts';
import { authUrl, hooksUrl, localPlace, signalingUrls } from './place.ts';
import { planStack, type StackOptions, type StackPlan } from './plan.ts';
import { LOOPBACK } from './programs.ts';

export type { StackOptions } from './plan.ts';

export interface Stack extends AsyncDisposable {
  /** Where the page is. */
  readonly origin: string;
  /** The same for other machines of the network, with --https. */
  readonly lanOrigin?: string;
  readonly authUrl: string;
  readonly signalingUrls: readonly string[];
  /** The events service, with --events. */
  readonly hooksUrl?: string;
  readonly redisUrl?: string;
  readonly turnUris: readonly string[];
  /** The secret that signs TURN credentials. */
  readonly turnSecret?: string;
  /** What this machine lacks and what that means, one line each. */
  readonly leftOut: readonly string[];
  /** Languages of captions, where their service runs. */
  readonly captionLanguages: readonly string[];
  /** Process ids by child name: redis, turn, auth, signaling-1…, edge. */
  readonly pids: Readonly<Record<string, number>>;
  readonly logDir: string;
}

/**
 * Start everything and wait until it serves.
 * @throws StartError or Error, one line that names the part and the fix
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const plan = await planStack(options);
  const { PATH, HOME, LOG_LEVEL, TZ } = process.env;
  const logs = await claimLogs(plan.dataDir);
  const { logDir } = logs;
  const say = options.say ?? (() => undefined);
  const children = new Children({ logDir, say, env: { PATH, HOME, LOG_LEVEL, TZ }, scratch: plan.scratch });
  const dispose = async () => {
    await children[Symbol.asyncDispose]();
    logs[Symbol.dispose]();
    rmSync(plan.scratch, { recursive: true, force: true });
  };
  try {
    await startChildren(children, plan);
  } catch (error) {
    await dispose();
    throw error;
  }
  const scheme = plan.https ? 'https' : 'http';
  return {
    origin: `${scheme}://localhost:${plan.ports.edge}`,
    ...(plan.lan ? { lanOrigin: `${scheme}://${plan.lan}:${plan.ports.edge}` } : {}),
    authUrl: authUrl(plan),
    signalingUrls: signalingUrls(plan),
    ...(plan.events ? { hooksUrl: hooksUrl(plan) } : {}),
    ...(plan.redis ? { redisUrl: plan.redis.url } : {}),
    turnUris: plan.turn?.uris ?? [],
    ...(plan.turn ? { turnSecret: plan.turn.secret } : {}),
    leftOut: plan.leftOut,
    captionLanguages: plan.captions?.languages ?? [],
    get pids() {
      return children.pids;
    },
    logDir,
    [Symbol.asyncDispose]: dispose,
  };
}

/** `logs`, or `logs-2` and so on beside another start that writes there: it would lose what it wrote. */
async function claimLogs(dataDir: string): Promise<{ readonly logDir: string } & Disposable> {
  for (let number = 1; ; number++) {
    const logDir = join(dataDir, number === 1 ? 'logs' : `logs-${number}`);
    const name = createHash('sha256').update(logDir).digest('hex');
    const claim = await claimName(`logs-${name}`);
    if (claim) return { logDir, [Symbol.dispose]: () => claim[Symbol.dispose]() };
  }
}

/** Each part after those that it needs. */
async function startChildren(children: Children, plan: StackPlan): Promise<void> {
  const { redis, turn, media, recordings, lan } = plan;
  const place = localPlace(plan);
  if (redis?.start) await children.start(redisChild(redis.start, plan.scratch));
  if (turn) await children.start(turnChild(turn, plan, place));
  const services = [authChild(plan, place), ...signalingChildren(plan, place)];
  await Promise.all(services.map((service) => children.start(service)));
  if (plan.events) await children.start(hooksChild(plan, place));
  if (plan.captions) await children.start(captionsChild(plan, place));
  const tls = plan.https ? await selfSigned(plan.dataDir, lan ? [LOOPBACK, lan] : [LOOPBACK]) : undefined;
  await children.start(edgeChild(plan, tls));
  if (media?.packagers) await children.start(packagerChild(plan, place));
  if (media) await children.start(mediaChild(media, plan, place));
  if (recordings?.lacks.length === 0) await children.start(composerChild(plan, place));
}
