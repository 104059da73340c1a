/** How a shared screen is shown: `scale` 1 is the whole picture in its tile; `x` and `y` say how far it is moved, px. */
export interface Zoom {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}
interface Point {
  readonly x: number;
  readonly y: number;
}
interface Box {
  readonly w: number;
  readonly h: number;
}

export const WHOLE: Zoom = { scale: 1, x: 0, y: 0 };
/** More shows pixels, no words. */
const MOST = 8;

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value));

/** No edge of the tile is left without picture. */
const within = ({ scale, x, y }: Zoom, { w, h }: Box): Zoom => ({
  scale,
  x: clamp(x, w - w * scale, 0),
  y: clamp(y, h - h * scale, 0),
});

export const moved = (zoom: Zoom, by: Point, tile: Box): Zoom =>
  within({ scale: zoom.scale, x: zoom.x + by.x, y: zoom.y + by.y }, tile);

/** What is under `at` (px from the tile's corner) stays there. */
export function zoomedTo(zoom: Zoom, wanted: number, at: Point, tile: Box): Zoom {
  const scale = clamp(wanted, 1, MOST);
  const grown = scale / zoom.scale;
  return within({ scale, x: at.x - (at.x - zoom.x) * grown, y: at.y - (at.y - zoom.y) * grown }, tile);
}

/** The scale at which each pixel of the picture is one of the display; 1 when the tile is large enough for all of them. */
export function pixelTrue(picture: Box, tile: Box, devicePixels: number): number {
  if (picture.w === 0 || tile.w === 0) return 1;
  const shown = Math.min(tile.w, (tile.h * picture.w) / picture.h);
  return clamp(picture.w / devicePixels / shown, 1, MOST);
}
