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

/** Edits that make a slip of a name: none for short ones, which are too close to other programs' (HOST, PORT, ZONE); ACCESS is worth one. */
const slipOf = ({ length }: string): number => (length < 6 ? 0 : length < 8 ? 1 : 2);

/**
 * The setting that an unknown name was probably meant to be: at most two edits away, which includes two letters in the wrong order; one edit
 * for names of six and seven characters, none for shorter ones.
 * @returns undefined when there is none, as for nearly all variables of an environment
 */
export function nearestSetting(name: string, known: readonly string[]): string | undefined {
  if (known.includes(name)) return undefined;
  return known.find((one) => slipOf(one) > 0 && distance(name, one, slipOf(one)) <= slipOf(one));
}
