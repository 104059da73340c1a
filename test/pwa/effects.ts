/** What tests of blur and of the noise filter look at inside the page, and how they switch them. */
import type { Page } from 'playwright-core';

export interface Inside {
  MediaStreamTrackGenerator: typeof MediaStreamTrack;
  MediaStreamTrackProcessor: new (init: object) => object;
  __tandem: {
    media: {
      level(): number;
      setCamera(on: boolean): Promise<void>;
      get(): { video: string } & Partial<
        Record<'audioTrack' | 'videoTrack' | 'microphone' | 'camera', MediaStreamTrack>
      >;
    };
  };
  /** Kinds of the video tracks that any connection was given, in order. */
  given: string[];
  descriptions: number;
  workers: Worker[];
  /** How often frames were taken from a camera. */
  taken: number;
}

/** What the page has of its devices and what it sends of them. */
export const media = (page: Page) =>
  page.evaluate(() => {
    const state = (globalThis as unknown as Inside).__tandem.media.get();
    const { audioTrack, videoTrack, microphone, camera } = state;
    return {
      video: state.video,
      sends: videoTrack ? (videoTrack === camera ? 'device' : 'blurred') : 'none',
      camera: camera?.label,
      microphone: microphone?.label,
      filters: audioTrack !== microphone,
      suppresses: microphone?.getSettings().noiseSuppression,
      enabled: [audioTrack?.enabled, microphone?.enabled],
    };
  });

export async function flip(page: Page, name: string): Promise<void> {
  await page.getByTestId(`switch-${name}`).click();
}

export async function openSettings(page: Page): Promise<void> {
  await page.getByTestId('more').click();
  await page.getByTestId('open-settings').click();
  await page.getByTestId('switch-backgroundBlur').waitFor();
}
