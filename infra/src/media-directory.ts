import { Construct } from 'constructs';
import { MEDIA_NODE_ACCESS } from './cache-access.ts';
import { nodeDirectoryAccess } from './node-directory.ts';
import type { CacheAccess, SessionCache } from './session-cache.ts';

/** Properties of {@link MediaDirectory}. */
export interface MediaDirectoryProps {
  /** The cache that signaling reads too. */
  readonly cache: SessionCache;
  /**
   * Password of the nodes' user, as {@link CacheUserProps.passwordGeneration}.
   * @default 1
   */
  readonly passwordGeneration?: number;
}

/**
 * Where media nodes write themselves down (address, zone, load, state) and signaling reads them: keys of their own in the session cache.
 * This construct is the nodes' user of the cache, which can use those keys and nothing else. Format and staleness:
 * packages/service/src/media-directory.ts.
 */
export class MediaDirectory extends Construct {
  /** What a node needs to write to the directory. */
  readonly access: CacheAccess;

  constructor(scope: Construct, id: string, props: MediaDirectoryProps) {
    super(scope, id);
    this.access = nodeDirectoryAccess('MediaDirectory', props, {
      id: 'MediaNode',
      userName: 'media-node',
      accessString: MEDIA_NODE_ACCESS,
    });
  }
}
