/** What writes a call into the page's state: loaded in the lobby beside the SDK, so that the first page comes without it. */
import { followCall } from './call-events.ts';
import { followMedia } from './follow-media.ts';
import { mayNow, readGrants } from './grants.ts';
import { keepAwake } from './wake-lock.ts';
import { watchLevels } from './watch-levels.ts';

export const following = { followCall, followMedia, keepAwake, mayNow, readGrants, watchLevels };
