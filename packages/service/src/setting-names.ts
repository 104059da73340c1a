/** Misspelt names of settings: found where a deployment is described, and where a program starts. Imports nothing, so infra can read it. */

/** Edits (insert, delete, replace a character) that lead from one text to the other; stops counting above `limit`. */
function distance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) > limit) return limit + 1;
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++)
      next.push(
        Math.min(
          (row[j] as number) + 1,
          (next[j - 1] as number) + 1,
          (row[j - 1] as number) + Number(from[i - 1] !== to[j - 1]),
        ),
      );
    row = next;
  }
  return row[to.length] as number;
}

/** Most edits that are a slip: none of a short setting, which is too close to other programs' names (HOST, PORT, ZONE); one where either is short. */
function slipOf(name: string, setting: string): number {
  if (setting.length < 6) return 0;
  return Math.min(name.length, setting.length) < 8 ? 1 : 2;
}

/**
 * The setting that an unknown name was probably meant to be: at most two edits away, which includes two letters in the wrong order.
 * @returns undefined when there is none, as for nearly all variables of an environment
 */
export function nearestSetting(name: string, known: readonly string[]): string | undefined {
  if (known.includes(name)) return undefined;
  return known.find((one) => {
    const slip = slipOf(name, one);
    return slip > 0 && distance(name, one, slip) <= slip;
  });
}

/**
 * The known name closest to an unknown one, for an error that refuses it anyway; case is no difference.
 * @returns undefined when none is near: more than a third of the letters differ
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const near = known
    .map((one) => {
      const limit = Math.max(1, Math.floor(Math.max(one.length, name.length) / 3));
      return { one, limit, edits: distance(name.toLowerCase(), one.toLowerCase(), limit) };
    })
    .filter(({ limit, edits }) => edits <= limit);
  return near.sort((a, b) => a.edits - b.edits)[0]?.one;
}
