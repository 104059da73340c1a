/** Every setting of the packager. Keys are environment variable names. */
import Type, { type Static } from 'typebox';

export const PackagerConfig = Type.Object({
  HLS_DIR: Type.String({
    default: '/run/hls',
    minLength: 1,
    description: 'Folder that it shares with its media node, which has the same setting.',
  }),
});
export type PackagerConfig = Static<typeof PackagerConfig>;
