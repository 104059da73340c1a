/** Where this package's files are: in the repository, and in the packed package (where dist/ is a copy of what is needed). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
/** True in the packed package: the module is then dist/index.js beside dist/images. */
const packed = existsSync(join(here, 'images'));
/** The repository's root, or undefined in the packed package. */
export const repository: string | undefined = packed ? undefined : join(here, '..', '..');
/** Folder of the bundles, one below it for each image, and their Dockerfile. */
export const imagesFolder: string = packed ? join(here, 'images') : join(here, '..', 'dist', 'images');
