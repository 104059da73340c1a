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
 * How much a tile may cut of a camera's picture to leave no bands. A wide stage never cuts a third of a picture of 16 : 9
 * (1.2 of 1.78 stay); on an upright stage most cameras are upright too: phones.
 */
const SHAPES = {
  wide: { narrowest: 1.2, widest: 2 },
  upright: { narrowest: 3 / 5, widest: 16 / 9 },
} as const;
/** A shared screen across an upright stage: none is squarer. */
const SCREEN = 4 / 3;
/** Smaller stages than this, px, are phones: they have smaller tiles and pages. */
const SMALL = { w: 640, h: 400 } as const;
/** Smallest tile of a grid, px: a face and a name can still be told. On a desk, 16 : 9. */
const MIN_TILE = { desk: { w: 240, h: 135 }, phone: { w: 150, h: 84 } } as const;
/** Smallest tile beside a spotlight, px. */
const MIN_STRIP = { desk: { w: 140, h: 88 }, phone: { w: 96, h: 72 } } as const;
/** People of one page, most first. */
const PAGES = { desk: [25, 16, 9, 6, 4, 2, 1], phone: [6, 4, 2, 1] } as const;

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
    const [w, h] = [(area.w - gap * (columns - 1)) / columns, (area.h - gap * (rows - 1)) / rows];
    // The gaps alone take more than there is.
    if (w <= 0 || h <= 0) continue;
    const tile = fit(w, h, shape);
    if (tile.w * tile.h > best.tile.w * best.tile.h) best = { columns, tile };
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

/** Rounding: a tile that misses the minimum by a hair is as good. */
const isAtLeast = (tile: Rect | undefined, min: Size): boolean =>
  tile !== undefined && tile.w >= min.w - 0.5 && tile.h >= min.h - 0.5;
const isSmall = ({ w, h }: Size): boolean => w < SMALL.w || h < SMALL.h;

/** How many tiles, mine among them, one page of a grid has. */
export function pageCapacity(size: Size, gap: number): number {
  const kind = isSmall(size) ? 'phone' : 'desk';
  return PAGES[kind].find((people) => isAtLeast(grid(people, { x: 0, y: 0, ...size }, gap)[0], MIN_TILE[kind])) ?? 1;
}

/**
 * One large tile and a strip of the others: below it when the stage is tall, beside it when it is wide. The strip has as many as fit;
 * the caller says in the last one how many are left out.
 * @param whole the large one is shown uncut (a screen): on a tall stage it is as wide as that, and the others get the rest
 */
export function spotlight(others: number, area: Rect, gap: number, whole = false): { main: Rect; strip: Rect[] } {
  if (others === 0) return { main: area, strip: [] };
  const { main, rest } = divide(area, gap, whole);
  const strip = (count: number) => (rest.w > rest.h * 2 ? row(count, rest, gap) : grid(count, rest, gap));
  for (let count = others; count > 1; count--) {
    const tiles = strip(count);
    if (isAtLeast(tiles[0], MIN_STRIP[isSmall(area) ? 'phone' : 'desk'])) return { main, strip: tiles };
  }
  return { main, strip: strip(1) };
}

function divide(area: Rect, gap: number, whole: boolean): { main: Rect; rest: Rect } {
  if (area.w >= area.h * 1.2) {
    const w = Math.min(240, area.w * 0.22);
    return { main: { ...area, w: area.w - w - gap }, rest: { ...area, x: area.x + area.w - w, w } };
  }
  const across = area.w / SCREEN;
  if (whole && across + gap < area.h * 0.7)
    return { main: { ...area, h: across }, rest: { ...area, y: area.y + across + gap, h: area.h - across - gap } };
  const h = Math.min(area.h * 0.2, 150);
  return { main: { ...area, h: area.h - h - gap }, rest: { ...area, y: area.y + area.h - h, h } };
}

function row(count: number, area: Rect, gap: number): Rect[] {
  const w = Math.min(area.h * 1.2, (area.w - gap * (count - 1)) / count);
  const left = area.x + (area.w - count * w - (count - 1) * gap) / 2;
  return Array.from({ length: count }, (_, i) => ({ x: left + i * (w + gap), y: area.y, w, h: area.h }));
}

/** Clockwise. `start` is where lines of the language begin. */
export const CORNERS = ['bottom-end', 'bottom-start', 'top-start', 'top-end'] as const;
export type Corner = (typeof CORNERS)[number];

/** Widths of a floating tile, px, and its share of the stage. */
const FLOATING = { full: { min: 96, max: 248, share: 0.28 }, small: { min: 72, max: 148, share: 0.16 } } as const;

export interface Floating {
  readonly at: Corner;
  readonly size: keyof typeof FLOATING;
}

/** A tile in a corner, over another one. */
export function corner(area: Rect, gap: number, { at, size }: Floating): Rect {
  const { min, max, share } = FLOATING[size];
  const w = Math.max(min, Math.min(max, area.w * share));
  const h = area.w < area.h ? w * 1.3 : (w * 9) / 16;
  return {
    x: at.endsWith('start') ? area.x + gap : area.x + area.w - w - gap,
    y: at.startsWith('top') ? area.y + gap : area.y + area.h - h - gap,
    w,
    h,
  };
}

export interface TileLayout {
  readonly rects: ReadonlyMap<string, Rect>;
  /** The tile that floats over another. */
  readonly floating: string | undefined;
  /** The tile that is shown large and whole. */
  readonly main: string | undefined;
  /** The tile that says how many have no place in the strip. */
  readonly more: { readonly rect: Rect; readonly count: number } | undefined;
  readonly page: number;
  /** 1 unless the grid has more people than a page. */
  readonly pages: number;
}

export interface LayoutWish {
  /** Ids of everybody else's tiles and screens, in order. */
  readonly others: readonly string[];
  /** Id of my own tile; undefined: it is hidden. */
  readonly me: string | undefined;
  /** Tile for the spotlight, when there is a reason for one. */
  readonly main: string | undefined;
  readonly layout: 'auto' | 'grid' | 'spotlight';
  readonly size: Size;
  readonly gap: number;
  /** Of the grid, from 0; one that is not there any more is the last. Default 0. */
  readonly page?: number;
  /** Where a floating tile is. With `small`, mine always floats. */
  readonly floating: Floating;
}

const SINGLE = { more: undefined, page: 0, pages: 1 } as const;

export function layTiles(wish: LayoutWish): TileLayout {
  const { others, me, layout, main } = wish;
  const area = { x: 0, y: 0, ...wish.size };
  if (wish.floating.size === 'small' && me !== undefined && main !== me && others.length > 0) {
    const below = layTiles({ ...wish, me: undefined });
    return { ...below, rects: new Map([...below.rects, [me, corner(area, wish.gap, wish.floating)]]), floating: me };
  }
  const all = me === undefined ? others : [...others, me];
  const stage = main ?? (layout === 'spotlight' ? others[0] : undefined);
  if (stage !== undefined && layout !== 'grid' && all.length > 2) return spotlightLayout(wish, all, stage);
  const [only] = all;
  if (all.length === 1 && only !== undefined)
    return { rects: new Map([[only, area]]), floating: undefined, main: undefined, ...SINGLE };
  if (others.length === 1 && me !== undefined && layout !== 'grid') {
    const large = stage === me ? me : (others[0] as string);
    const small = large === me ? (others[0] as string) : me;
    const rects = new Map([
      [large, area],
      [small, corner(area, wish.gap, wish.floating)],
    ]);
    return { rects, floating: small, main: undefined, ...SINGLE };
  }
  return gridLayout(wish, all);
}

/** Each id its rectangle; an area without room has none. */
function assign(rects: Map<string, Rect>, ids: readonly string[], tiles: readonly Rect[]): void {
  for (const [index, id] of ids.entries()) {
    const rect = tiles[index];
    if (rect) rects.set(id, rect);
  }
}

function spotlightLayout({ me, size, gap }: LayoutWish, all: readonly string[], stage: string): TileLayout {
  // Mine is last, and never the one that has no place.
  const rest = all.filter((id) => id !== stage);
  const { main, strip } = spotlight(rest.length, { x: 0, y: 0, ...size }, gap, stage.endsWith(':screen'));
  const rects = new Map([[stage, main]]);
  if (strip.length >= rest.length) {
    assign(rects, rest, strip);
    return { rects, floating: undefined, main: stage, ...SINGLE };
  }
  const mine = me !== undefined && stage !== me ? me : undefined;
  const shown = rest.filter((id) => id !== mine).slice(0, Math.max(0, strip.length - (mine ? 2 : 1)));
  assign(rects, shown, strip);
  if (mine && strip.length > 1) rects.set(mine, strip[strip.length - 2] as Rect);
  // A stage that has not been measured yet has room for nothing.
  const rect = strip.at(-1);
  const more = rect && { rect, count: all.length - rects.size };
  return { rects, floating: undefined, main: stage, more, page: 0, pages: 1 };
}

function gridLayout({ others, me, size, gap, page = 0 }: LayoutWish, all: readonly string[]): TileLayout {
  const area = { x: 0, y: 0, ...size };
  const fits = pageCapacity(size, gap);
  const rects = new Map<string, Rect>();
  if (all.length <= fits) {
    assign(rects, all, grid(all.length, area, gap));
    return { rects, floating: undefined, main: undefined, ...SINGLE };
  }
  // My own tile has the last place of every page: it covers no other tile, and tiles stay where they are from page to page.
  const people = Math.max(1, fits - (me === undefined ? 0 : 1));
  const pages = Math.ceil(others.length / people);
  const current = Math.min(Math.max(0, page), pages - 1);
  const tiles = grid(people + (me === undefined ? 0 : 1), area, gap);
  assign(rects, others.slice(current * people, (current + 1) * people), tiles);
  const last = tiles.at(-1);
  if (me !== undefined && last) rects.set(me, last);
  return { rects, floating: undefined, main: undefined, more: undefined, page: current, pages };
}
