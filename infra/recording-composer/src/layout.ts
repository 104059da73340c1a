/** Who is in the picture when, and where. */

/** What is shown from `from` to `to`, ms since the beginning. */
export interface Scene<T> {
  readonly from: number;
  readonly to: number;
  readonly shown: readonly T[];
}
export interface Tile {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export const WIDTH = 1280;
export const HEIGHT = 720;
/** More are not shown at once: tiles of a 5 × 5 grid are 256 pixels wide. */
const MAX_TILES = 25;
/** A scene shorter than this belongs to the next one, ms. */
const SHORTEST_MS = 200;
/** Of one film: each scene is a run of ffmpeg. */
export const MAX_SCENES = 1000;

/** A new scene whenever a picture comes or goes. @param cuts more of them, such as where somebody else speaks, ms */
export function scenesOf<T extends { readonly start: number; readonly end: number }>(
  pictures: readonly T[],
  length: number,
  cuts: readonly number[] = [],
): Scene<T>[] {
  const edges = [0, ...cuts, ...pictures.flatMap(({ start, end }) => [start, end]), length]
    .filter((at) => at >= 0 && at <= length)
    .sort((a, b) => a - b);
  const comings = new Set(pictures.flatMap(({ start, end }) => [start, end]));
  const unique = few(apart(edges, length), comings);
  return unique.slice(1).map((to, i) => {
    const from = unique[i] as number;
    const middle = (from + to) / 2;
    // Of a scene that is as short as it may be, who is seen for most of it; of a longer one, each who comes.
    const latest = to - from > 2 * SHORTEST_MS ? to : middle;
    const shown = pictures.filter(({ start, end }) => start < latest && end > middle).slice(0, MAX_TILES);
    return { from, to, shown };
  });
}

/** The beginning, the end, and of what is between as much as keeps that distance from the one before. */
function apart(edges: readonly number[], length: number): number[] {
  const kept = [0];
  for (const at of edges) if (at < length && at - (kept.at(-1) as number) >= SHORTEST_MS) kept.push(at);
  if (length > 0) kept.push(length);
  return kept;
}

/** Of too many scenes the shortest ones go, one by one: first those that end where somebody else speaks, then those that end at `comings`. */
function few(edges: readonly number[], comings: ReadonlySet<number>): number[] {
  const longest = edges.at(-1) ?? 0;
  const kept = edges.map((at) => ({ at, more: comings.has(at) ? longest : 0 }));
  while (kept.length > MAX_SCENES + 1) {
    let shortest = { i: 0, ms: Number.POSITIVE_INFINITY };
    let before = 0;
    // Neither the beginning nor the end goes.
    for (let i = 1; i < kept.length - 1; i++) {
      const { at, more } = kept[i] as (typeof kept)[number];
      if (at - before + more < shortest.ms) shortest = { i, ms: at - before + more };
      before = at;
    }
    kept.splice(shortest.i, 1);
  }
  return kept.map(({ at }) => at);
}

/** A grid as square as it gets. Even numbers: colours are shared by two pixels. */
export function tilesOf(count: number): Tile[] {
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / Math.max(1, columns));
  const width = Math.floor(WIDTH / columns / 2) * 2;
  const height = Math.floor(HEIGHT / rows / 2) * 2;
  return Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / columns);
    // The last row is in the middle.
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const left = Math.floor((WIDTH - inRow * width) / 4) * 2;
    return { x: left + (i % columns) * width, y: row * height, width, height };
  });
}

/** Of the speaker's layout: beside the large picture. */
const STRIP = { width: 256, height: 144, most: 5 } as const;

/** The first one large, the next ones in a strip at its right, from top to bottom. More are not shown. */
export function speakerTilesOf(count: number): Tile[] {
  if (count <= 1) return tilesOf(count);
  const { width, height, most } = STRIP;
  const small = Math.min(count - 1, most);
  const top = Math.floor((HEIGHT - small * height) / 4) * 2;
  const strip = Array.from({ length: small }, (_, i) => ({ x: WIDTH - width, y: top + i * height, width, height }));
  return [{ x: 0, y: 0, width: WIDTH - width, height: HEIGHT }, ...strip];
}

/** A shared screen first, then who speaks, then the others as they came. @param speakers the present one first, then those before */
export function speakerFirst<T extends { readonly track: { readonly peerId: string; readonly slot: string } }>(
  shown: readonly T[],
  speakers: readonly string[],
): T[] {
  const screens = shown.filter(({ track }) => track.slot === 'screen').reverse();
  const cameras = shown.filter(({ track }) => track.slot !== 'screen');
  const speaker = speakers.find((peerId) => cameras.some(({ track }) => track.peerId === peerId));
  const isSpeaker = ({ track }: T) => track.peerId === speaker;
  return [...screens, ...cameras.filter(isSpeaker), ...cameras.filter((one) => !isSpeaker(one))];
}
