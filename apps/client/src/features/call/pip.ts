/** Picture in picture: the call in a small window of its own; where the browser has no such windows, the largest remote picture. */
export const canPip = (): boolean =>
  typeof document !== 'undefined' && ('documentPictureInPicture' in window || document.pictureInPictureEnabled);

/** Opens it; once more closes it. A click must lead here: browsers open such windows for nothing else. */
export async function openPip(): Promise<void> {
  try {
    if ('documentPictureInPicture' in window) {
      const { toggleCallWindow } = await import('./pip-window.tsx');
      await toggleCallWindow();
    } else await toggleVideo();
  } catch {
    // No picture yet, the code did not load, or the browser said no: nothing is lost.
  }
}

async function toggleVideo(): Promise<void> {
  if (document.pictureInPictureElement) {
    await document.exitPictureInPicture();
    return;
  }
  const videos = [...document.querySelectorAll<HTMLVideoElement>('.tile video')];
  const area = (video: HTMLVideoElement) => video.clientWidth * video.clientHeight;
  const remote = videos.filter((video) => !video.closest('.tile.me'));
  const [largest] = (remote.length ? remote : videos).sort((a, b) => area(b) - area(a));
  await largest?.requestPictureInPicture();
}
