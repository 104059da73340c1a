/** What the HTTP services begin with alike: their Fastify options, their telemetry, their check of tokens. */
import { randomUUID } from 'node:crypto';
import { LogController } from 'fastify';
import { KEEP_ALIVE_MS } from './keep-alive.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import { PROBLEM_OPTIONS } from './problem.ts';
import { startTelemetry } from './telemetry.ts';
import type { Telemetry } from './telemetry-types.ts';
import { createTokenVerifier, type TokenVerifier } from './verify.ts';

/** A request's id is ours always: one from outside would be written to the log. */
export const OWN_REQUEST_IDS = { genReqId: (): string => randomUUID(), requestIdHeader: false } as const;

export interface ServiceAppOptions {
  readonly log: Logger;
  /** How many proxies in front append to X-Forwarded-For. Default: none, `request.ip` is the peer's. */
  readonly trustedProxies?: number;
}

/** Options of Fastify, to spread: problems as answers, a line for problems alone, times that fit the load balancer in front. */
export function serviceAppOptions({ log, trustedProxies = 0 }: ServiceAppOptions) {
  return {
    ...PROBLEM_OPTIONS,
    ...OWN_REQUEST_IDS,
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    // Fastify 5.12 trusts no proxy when given a number.
    trustProxy: (_address: string, hop: number): boolean => hop < trustedProxies,
    requestTimeout: 10_000,
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
}

/** {@link TelemetrySettings}, as a service has them. */
export interface TelemetryConfig {
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_HEADERS?: string | undefined;
  readonly OTEL_TRACES_SAMPLER_ARG: number;
}

/** @param node name of this instance */
export function startServiceTelemetry(
  config: TelemetryConfig,
  { service, node }: { readonly service: string; readonly node: string },
  metrics: Metrics,
): Promise<Telemetry> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: headers } = config;
  return startTelemetry({ service, node, endpoint, headers, ratio: config.OTEL_TRACES_SAMPLER_ARG }, metrics);
}

/** The settings by which a service knows auth's tokens. */
export interface TokenConfig {
  readonly JWKS_URL: string;
  readonly TOKEN_ISSUER: string;
  readonly TOKEN_AUDIENCE: string;
}

export function verifierOf({ JWKS_URL, TOKEN_ISSUER, TOKEN_AUDIENCE }: TokenConfig, log: Logger): TokenVerifier {
  return createTokenVerifier({ jwksUrl: JWKS_URL, issuer: TOKEN_ISSUER, audience: TOKEN_AUDIENCE, log });
}
