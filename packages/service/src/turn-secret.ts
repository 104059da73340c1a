/**
 * The secret that auth and the TURN nodes share where it rotates (infra/src/turn-secret.ts): JSON `{"sign": "…", "accept": ["…"]}`. Auth
 * signs with `sign`; a node takes `sign` and all of `accept`. Both read it anew each minute, so none is restarted by a rotation.
 */

/** How often it is read, ms. Far below the 4 h between two rotations that Secrets Manager allows at least. */
export const TURN_SECRET_REFRESH_MS = 60_000;

export interface TurnSecret {
  /** What auth signs with now. */
  readonly sign: string;
  /** What a node takes; `sign` is among them. */
  readonly accepted: readonly string[];
}

/** @throws Error when the text is not the expected JSON; the text itself is not in the message */
export function parseTurnSecret(text: string): TurnSecret {
  let value: { readonly sign?: unknown; readonly accept?: unknown };
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('TURN secret: not JSON with `sign` and `accept`');
  }
  const sign = value?.sign;
  if (typeof sign !== 'string' || sign.length < 8) throw new Error('TURN secret: no `sign` of 8 characters or more');
  const more = Array.isArray(value.accept) ? value.accept : [];
  const usable = more.filter((one): one is string => typeof one === 'string' && one.length >= 8);
  return { sign, accepted: [...new Set([sign, ...usable])] };
}

/** The region that an ARN names, for the AWS client; undefined for a plain name. */
export function regionOfArn(id: string): string | undefined {
  return /^arn:[\w-]+:secretsmanager:([a-z0-9-]+):/.exec(id)?.[1];
}
