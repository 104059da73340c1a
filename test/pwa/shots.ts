/**
 * Pictures of every state, on a phone and a desk, in light and dark: `node test/pwa/shots.ts FOLDER [scene…]`.
 * What axe finds in each, and words that are cut, are printed below its name.
 * LOOKS=phone-light,desk-dark takes those alone; LOCALE=ar opens the page in that language.
 * `two-stats-desk-light` and `two-phone-light` are docs/images/call.png and phone.png.
 */
import { BEFORE } from './scenes-before.ts';
import { CALL } from './scenes-call.ts';
import { FAULTS } from './scenes-faults.ts';
import { LIVE } from './scenes-live.ts';
import { ROOMS } from './scenes-rooms.ts';
import { STATES } from './scenes-states.ts';
import { play } from './shooting.ts';

await play({ ...BEFORE, ...CALL, ...ROOMS, ...STATES, ...FAULTS, ...LIVE }, process.argv.slice(3));
