/** Picture in picture: the largest remote picture in a window of its own. */
export const canPip = (): boolean => typeof document !== 'undefined' && document.pictureInPictureEnabled;

export async function openPip(): Promise<void> {
  try {
    if (document.pictureInPictureElement) {
      await document.exitPictureInPicture();
      return;
    }
    const videos = [...document.querySelectorAll<HTMLVideoElement>('.tile video')];
    const area = (video: HTMLVideoElement) => video.clientWidth * video.clientHeight;
    const remote = videos.filter((video) => !video.closest('.tile.me'));
    const [largest] = (remote.length ? remote : videos).sort((a, b) => area(b) - area(a));
    await largest?.requestPictureInPicture();
  } catch {
    // No picture yet, or the browser said no: nothing is lost.
  }
}
