/** The page, or one tile of it. */
export function toggleFullScreen(element: Element | null = document.documentElement): void {
  const done = document.fullscreenElement ? document.exitFullscreen() : element?.requestFullscreen();
  done?.catch(() => {});
}
