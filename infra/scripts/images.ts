/** Prints the names of the images, a line each; as a JSON list with --json. Needs nothing installed. */
import { IMAGES } from '../topology/images.ts';

console.log(process.argv[2] === '--json' ? JSON.stringify(IMAGES) : IMAGES.join('\n'));
