/**
 * The TURN directory: which relay nodes exist now, written by the nodes and read by auth.
 *
 * One Redis hash, `tandem:{turn}:nodes`: field = node id, value = JSON of {@link TurnNode}. A node's agent writes its own
 * entry every 5 s ({@link writeTurnNode}), sets `state: 'draining'` before it goes away, and removes it at the end
 * ({@link removeTurnNode}). A reader ignores entries older than 20 s, so a dead node leaves by itself.
 */
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/value';
import type { RedisClient } from './redis.ts';

export const TURN_DIRECTORY_KEY = 'tandem:{turn}:nodes';
/** Age of an entry from which its node counts as dead, ms. Four missed writes. */
export const TURN_NODE_STALE_MS = 20_000;

export const TurnNode = Type.Object({
  publicIp: Type.String({ minLength: 2, maxLength: 64, description: 'Address clients reach, IPv4 or IPv6.' }),
  host: Type.Optional(
    Type.String({ maxLength: 253, description: 'Name in its certificate, for turns:. Absent: no TLS URI.' }),
  ),
  zone: Type.String({ maxLength: 64, description: 'Availability zone.' }),
  load: Type.Number({ minimum: 0, description: 'Share of its capacity in use, 0 to 1 and above when overloaded.' }),
  state: Type.Union([Type.Literal('serving'), Type.Literal('draining')]),
  updatedAt: Type.Integer({ description: 'ms since the epoch.' }),
  port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535, description: 'UDP and TCP. Default 3478.' })),
  tlsPort: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535, description: 'TLS over TCP. Default 5349.' })),
});
export type TurnNode = Static<typeof TurnNode>;

/** Write or renew a node's entry. @param id stable name of the node, such as its instance id */
export async function writeTurnNode(redis: RedisClient, id: string, node: Omit<TurnNode, 'updatedAt'>): Promise<void> {
  await redis.hset(TURN_DIRECTORY_KEY, id, JSON.stringify({ ...node, updatedAt: Date.now() }));
}

export async function removeTurnNode(redis: RedisClient, id: string): Promise<void> {
  await redis.hdel(TURN_DIRECTORY_KEY, id);
}

/** All serving nodes that were heard of lately. @throws when Redis is away */
export async function readTurnNodes(redis: RedisClient, now = Date.now()): Promise<TurnNode[]> {
  const all = await redis.hgetall(TURN_DIRECTORY_KEY);
  const nodes: TurnNode[] = [];
  for (const text of Object.values(all)) {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      continue;
    }
    if (Check(TurnNode, value) && value.state === 'serving' && now - value.updatedAt <= TURN_NODE_STALE_MS)
      nodes.push(value);
  }
  return nodes;
}

/**
 * The best nodes for a client: its zone first, then the least loaded; a node at 0.9 or more only if nothing else is left.
 * Equal ones are shuffled, so that new calls spread.
 * @param count default 2
 */
export function pickTurnNodes(nodes: readonly TurnNode[], zone?: string, count = 2): TurnNode[] {
  const score = (n: TurnNode) => (n.load >= 0.9 ? 10 : 0) + (zone && n.zone !== zone ? 0.3 : 0) + n.load;
  return nodes
    .map((node) => ({ node, score: score(node) + Math.random() * 0.05 }))
    .sort((a, b) => a.score - b.score)
    .slice(0, count)
    .map((entry) => entry.node);
}

/** At most three URIs (browsers slow down beyond): udp and tcp of the best, tls of the best that has a name. */
export function turnUris(nodes: readonly TurnNode[]): string[] {
  const host = (n: TurnNode) => (n.publicIp.includes(':') ? `[${n.publicIp}]` : n.publicIp);
  const [best, second] = nodes;
  if (!best) return [];
  const uris = [`turn:${host(best)}:${best.port ?? 3478}?transport=udp`];
  const tls = nodes.find((n) => n.host);
  if (second) uris.push(`turn:${host(second)}:${second.port ?? 3478}?transport=udp`);
  else uris.push(`turn:${host(best)}:${best.port ?? 3478}?transport=tcp`);
  if (tls) uris.push(`turns:${tls.host}:${tls.tlsPort ?? 5349}?transport=tcp`);
  else if (second) uris.push(`turn:${host(best)}:${best.port ?? 3478}?transport=tcp`);
  return uris;
}
