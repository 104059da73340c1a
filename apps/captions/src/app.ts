/** The whole captions service, built by one call. */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { CAPTIONS_CLOSE } from '@tandem/protocol/captions';
import {
  createLogger,
  createMetrics,
  HealthRecord,
  LoadShedder,
  type Logger,
  registerHealth,
  serviceAppOptions,
  startServiceTelemetry,
  verifierOf,
} from '@tandem/service';
import Fastify, { type FastifyInstance } from 'fastify';
import { type CaptionsConfig, readRecognizers } from './config.ts';
import { exposeCaptions } from './observe.ts';
import { Speaker, type SpeakerCounters } from './speaker.ts';
import { SpeakerQuota } from './speaker-quota.ts';
import { Upgrades } from './upgrade.ts';

export interface CaptionsOverrides {
  readonly log?: Logger;
  /** Also measure the whole process (event loop, heap, garbage collection). For `main`. */
  readonly observeProcess?: boolean;
}

export interface Captions extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly port: number;
  /** `http://127.0.0.1:port` */
  readonly url: string;
}

/** Build and start. @throws Error when the port cannot be had */
export async function createCaptions(config: CaptionsConfig, overrides: CaptionsOverrides = {}): Promise<Captions> {
  const instance = `captions-${randomUUID().slice(0, 8)}`;
  const metrics = createMetrics({ service: 'captions', node: instance });
  if (overrides.observeProcess) metrics.observeProcess();
  await using cleanup = new AsyncDisposableStack();
  const telemetry = cleanup.use(await startServiceTelemetry(config, { service: 'captions', node: instance }, metrics));
  const log = overrides.log ?? createLogger('captions', config.LOG_LEVEL, telemetry.logDestination());
  const verifier = cleanup.use(verifierOf(config, log));
  const recognizers = new Recognizers(config.CAPTIONS_RECOGNIZERS, log);
  const speakers = new Set<Speaker>();
  const counters: SpeakerCounters = { soundBytes: 0, droppedBytes: 0, texts: 0 };
  let draining = false;
  const limits = { maxConnections: config.MAX_SPEAKERS, maxEventLoopDelayMs: config.MAX_EVENT_LOOP_DELAY_MS };
  const shedder: LoadShedder = cleanup.use(
    new LoadShedder({ ...limits, connections: () => speakers.size + upgrades.pending }),
  );
  const onRefused = exposeCaptions(metrics, {
    counters,
    speakers: () => speakers.size,
    away: () => recognizers.away,
  });
  const upgrades: Upgrades = new Upgrades({
    ...{ verifier, shedder, recognizers: recognizers.addresses, onRefused },
    quota: new SpeakerQuota({ perUser: config.SPEAKERS_PER_USER, perAddress: config.SPEAKERS_PER_ADDRESS }),
    allowedOrigins: config.ALLOWED_ORIGINS,
    trustedProxies: config.TRUSTED_PROXIES,
    maxClosing: config.MAX_SPEAKERS,
    draining: () => draining,
    onFault: (error) => log.error({ event: 'captions.failed', err: error }, 'a handshake failed'),
    onSpeaker(page, language, claims, leave) {
      const speaker = new Speaker(page, {
        counters,
        recognizer: recognizers.addresses.get(language) ?? '',
        expiresAt: claims.exp * 1000,
        onRecognizer: (answers) => recognizers.saw(language, answers),
        onGone: () => {
          leave();
          speakers.delete(speaker);
        },
      });
      speakers.add(speaker);
    },
  });
  const app = buildApp(log);
  const dependencies = { keys: () => verifier.health(), recognizers: () => recognizers.health.read() };
  registerHealth(app, { service: 'captions', dependencies, draining: () => draining });
  metrics.register(app);
  upgrades.accept(app.server);
  cleanup.defer(async () => {
    draining = true;
    for (const speaker of speakers) speaker.close(CAPTIONS_CLOSE.goingAway);
    // Upgraded sockets are the server's no more: those that do not answer the close are cut off by `ws`.
    await app.close();
  });
  await app.listen({ host: config.HOST, port: config.PORT });
  const { port } = app.server.address() as AddressInfo;
  log.info({ event: 'captions.up', node: instance, port }, `captions listens on ${port}`);
  const resources = cleanup.move();
  return { app, port, url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** Which recognizers there are, and which did not answer when they were last asked. */
class Recognizers {
  readonly addresses: ReadonlyMap<string, string>;
  /** Never down: another task would reach the same recognizers no better. */
  readonly health = new HealthRecord('up');
  readonly #log: Logger;
  readonly #away = new Set<string>();

  constructor(text: string, log: Logger) {
    this.addresses = readRecognizers(text);
    this.#log = log;
  }

  get away(): number {
    return this.#away.size;
  }

  saw(language: string, answers: boolean): void {
    if (answers === !this.#away.has(language)) return;
    if (answers) {
      this.#away.delete(language);
      this.#log.info({ event: 'recognizer.back', lang: language }, 'a recognizer answers again');
    } else {
      this.#away.add(language);
      this.#log.warn({ event: 'recognizer.away', lang: language }, 'a recognizer does not answer');
    }
    if (this.#away.size === 0) this.health.become('up');
    else this.health.become('degraded', `away: ${[...this.#away].join(', ')}`);
  }
}

function buildApp(log: Logger): FastifyInstance {
  // Upgraded sockets are none of its connections.
  return Fastify({
    ...serviceAppOptions({ log }),
    forceCloseConnections: true,
  } as object) as unknown as FastifyInstance;
}
