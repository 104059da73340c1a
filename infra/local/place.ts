/** What this machine puts in for the values of the topology that only a deployment knows. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Place } from '../topology/environment.ts';
import type { StackPlan } from './plan.ts';
import { LOOPBACK } from './programs.ts';

export function authUrl({ ports }: StackPlan): string {
  return `http://${LOOPBACK}:${ports.auth}`;
}

export function signalingUrls({ ports }: StackPlan): string[] {
  return ports.signaling.map((port) => `http://${LOOPBACK}:${port}`);
}

export function hooksUrl({ ports }: StackPlan): string {
  return `http://${LOOPBACK}:${ports.hooks}`;
}

export function captionsUrl({ ports }: StackPlan): string {
  return `http://${LOOPBACK}:${ports.captions}`;
}

/** Makes new secrets with each call. */
export function localPlace(plan: StackPlan): Place {
  const { ports, turn, redis } = plan;
  return {
    from: {
      'cache-url': redis?.url,
      'jwks-url': `${authUrl(plan)}/.well-known/jwks.json`,
      // The edge keeps the Host header, so same-origin needs no list, whichever name the page was opened by.
      'public-origin': undefined,
      'turn-uris': turn?.uris.join(','),
      'stun-uris': turn && `stun:${plan.nodeAddress}:${turn.port}`,
      // One machine without Redis has one TURN node, whose address auth gets as a setting.
      // In a Redis that others use too there may be their nodes, which do not know this start's secret.
      'turn-directory': turn && redis?.start ? 'true' : undefined,
      'node-address': plan.nodeAddress,
      'auth-url': authUrl(plan),
      // Through the edge the agent survives any signaling node; it does not know the edge's own certificate.
      'signaling-url': `${plan.https ? `ws://${LOOPBACK}:${ports.signaling[0]}` : `ws://localhost:${ports.edge}`}/ws/signal`,
      'turn-secret-id': undefined,
      events: plan.events ? 'true' : undefined,
      recordings: plan.recordings?.place,
      recognizers: plan.captions?.recognizers,
      'key-source': `file:${join(plan.dataDir, 'auth-keys.json')}`,
      access: 'open',
      profile: 'development',
      'deregistration-delay': undefined,
      'trusted-proxies': '1',
    },
    secrets: {
      'cache-username': undefined,
      'cache-password': undefined,
      'turn-secrets': turn?.secret,
      'media-secret': plan.media && randomBytes(32).toString('base64url'),
      // New each time, as the private Redis is.
      'webhook-key': plan.events ? randomBytes(32).toString('base64url') : undefined,
      'api-keys': undefined,
    },
  };
}
