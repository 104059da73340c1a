/** Where each tile goes. Pure geometry, so tiles move without being rebuilt and videos never restart. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface Size {
  readonly w: number;
  readonly h: number;
}

/**
 * How much a tile may cut of a camera's picture to leave no bands: never so much that it cuts faces.
 * On an upright stage most cameras are upright too: phones.
 */
const SHAPES = {
  wide: { narrowest: 3 / 4, widest: 2 },
  upright: { narrowest: 3 / 5, widest: 16 / 9 },
} as const;
/** A shared screen across an upright stage: none is squarer. */
const SCREEN = 4 / 3;

function fit(w: number, h: number, { narrowest, widest }: (typeof SHAPES)[keyof typeof SHAPES]): Size {
  if (w / h > widest) return { w: h * widest, h };
  if (w / h < narrowest) return { w, h: w / narrowest };
  return { w, h };
}

/** Equal tiles, as large as they get: tries every number of columns. The last row is centred. */
export function grid(count: number, area: Rect, gap: number): Rect[] {
  if (count <= 0 || area.w <= 0 || area.h <= 0) return [];
  const shape = SHAPES[area.h > area.w ? 'upright' : 'wide'];
  let best = { columns: 1, tile: { w: 0, h: 0 } };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const tile = fit((area.w - gap * (columns - 1)) / columns, (area.h - gap * (rows - 1)) / rows, shape);
    if (tile.w > 0 && tile.h > 0 && tile.w * tile.h > best.tile.w * best.tile.h) best = { columns, tile };
  }
  const { columns, tile } = best;
  const rows = Math.ceil(count / columns);
  const top = area.y + (area.h - rows * tile.h - (rows - 1) * gap) / 2;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const left = area.x + (area.w - inRow * tile.w - (inRow - 1) * gap) / 2;
    return { x: left + (index % columns) * (tile.w + gap), y: top + row * (tile.h + gap), ...tile };
  });
}

/**
 * One large tile and a strip of the others: below it when the stage is tall, beside it when it is wide.
 * @param whole the large one is shown uncut (a screen): on a tall stage it is as wide as that, and the others get the rest
 */
export function spotlight(others: number, area: Rect, gap: number, whole = false): { main: Rect; strip: Rect[] } {
  if (others === 0) return { main: area, strip: [] };
  if (area.w >= area.h * 1.2) {
    const w = Math.min(240, area.w * 0.22);
    return {
      main: { ...area, w: area.w - w - gap },
      strip: grid(others, { ...area, x: area.x + area.w - w, w }, gap),
    };
  }
  const across = area.w / SCREEN;
  if (whole && across + gap < area.h * 0.7) {
    const rest = { ...area, y: area.y + across + gap, h: area.h - across - gap };
    return { main: { ...area, h: across }, strip: grid(others, rest, gap) };
  }
  const h = Math.min(area.h * 0.2, 150);
  const w = Math.min(h * 1.2, (area.w - gap * (others - 1)) / others);
  const left = area.x + (area.w - others * w - (others - 1) * gap) / 2;
  return {
    main: { ...area, h: area.h - h - gap },
    strip: Array.from({ length: others }, (_, i) => ({ x: left + i * (w + gap), y: area.y + area.h - h, w, h })),
  };
}

/** My own picture when there is one other person: small, in the corner, out of the way. */
export function corner(area: Rect, gap: number): Rect {
  const w = Math.max(96, Math.min(248, area.w * 0.28));
  const h = area.w < area.h ? w * 1.3 : (w * 9) / 16;
  return { x: area.x + area.w - w - gap, y: area.y + area.h - h - gap, w, h };
}

export interface Arrangement {
  readonly rects: ReadonlyMap<string, Rect>;
  /** The tile that floats over another. */
  readonly floating: string | undefined;
  /** The tile that is shown large and whole. */
  readonly main: string | undefined;
}

/**
 * @param others ids of everybody else's tiles and screens, in order
 * @param me id of my own tile
 * @param main tile for the spotlight, when there is a reason for one
 */
export function arrange(
  others: readonly string[],
  me: string,
  main: string | undefined,
  layout: 'auto' | 'grid' | 'spotlight',
  size: Size,
  gap: number,
): Arrangement {
  const area = { x: 0, y: 0, ...size };
  const rects = new Map<string, Rect>();
  const all = [...others, me];
  const stage = main ?? (layout === 'spotlight' ? others[0] : undefined);
  if (stage !== undefined && layout !== 'grid' && all.length > 2) {
    const rest = all.filter((id) => id !== stage);
    const { main: large, strip } = spotlight(rest.length, area, gap, stage.endsWith(':screen'));
    rects.set(stage, large);
    rest.forEach((id, index) => {
      const rect = strip[index];
      if (rect) rects.set(id, rect);
    });
    return { rects, floating: undefined, main: stage };
  }
  if (others.length === 0) return { rects: new Map([[me, area]]), floating: undefined, main: undefined };
  if (others.length === 1 && layout !== 'grid') {
    const large = stage === me ? me : others[0];
    const small = large === me ? others[0] : me;
    if (large !== undefined) rects.set(large, area);
    if (small !== undefined) rects.set(small, corner(area, gap));
    return { rects, floating: small, main: undefined };
  }
  const tiles = grid(all.length, area, gap);
  all.forEach((id, index) => {
    const rect = tiles[index];
    if (rect) rects.set(id, rect);
  });
  return { rects, floating: undefined, main: undefined };
}
