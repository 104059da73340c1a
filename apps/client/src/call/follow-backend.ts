/** What the deployment's backend or a moderator decides about me during a call: other grants (rule S-39). */
import type { Call } from '@tandem/rtc';
import { localMedia } from '../media/local-media.ts';
import { mayShare } from './permitted.ts';
import type { CallState } from './state.ts';

/** Camera and microphone of somebody who may not publish: the settings could open them. Who is asked to speak may look at themselves first. */
function closeMedia(state: CallState): void {
  const { audio, video, camera } = localMedia.get();
  const isOpen = [audio, video].some((source) => source === 'starting' || source === 'live') || camera !== undefined;
  const { watching, rehearsing } = state.get();
  if (watching && !rehearsing && isOpen) localMedia.stop();
}

/** @returns what ends it */
export function followGrants(
  { session }: Pick<Call, 'session'>,
  state: CallState,
  stopShare: () => void,
): (() => void)[] {
  // Such a call sends nothing, whatever is granted later: to be seen and heard, its person is asked and joins again.
  const isAudience = state.get().watching;
  let mayPublish = !isAudience;
  return [
    session.on('grants', ({ publish, data, kick, invite }) => {
      const { moderator, watching, writing, invited } = state.get();
      const asks = isAudience && publish && (invited || !mayPublish);
      const now = {
        ...{ moderator: kick, moderates: kick, inviter: invite, invites: invite },
        ...{ watching: isAudience || !publish, writing: data, invited: asks },
      };
      mayPublish = publish;
      if (!asks && state.get().rehearsing) {
        // In this order: an open microphone of somebody who does not rehearse is sent.
        localMedia.stop();
        state.set({ rehearsing: false });
      }
      state.set(now.watching ? { ...now, offer: undefined } : now);
      closeMedia(state);
      if (!mayShare(state.get())) stopShare();
      // They come again at each resume and join.
      const isOver = invited && !asks;
      if (isOver || now.moderator !== moderator || now.watching !== watching || now.writing !== writing)
        state.notify('call.grants');
    }),
    localMedia.subscribe(() => closeMedia(state)),
  ];
}
