/** Every setting of the packager. Keys are environment variable names. */
import Type, { type Static } from 'typebox';

export const PackagerConfig = Type.Object({
  HLS_DIR: Type.String({
    default: '/run/hls',
    minLength: 1,
    description: 'Folder that it shares with its media node, which has the same setting.',
  }),
  HLS_HOST: Type.String({
    default: '127.0.0.1',
    pattern: '^\\d{1,3}(\\.\\d{1,3}){3}$',
    description: 'IPv4 address on which media comes; the node has the same setting.',
  }),
});
export type PackagerConfig = Static<typeof PackagerConfig>;
