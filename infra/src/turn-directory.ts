import { Construct } from 'constructs';
import { TURN_NODE_ACCESS } from './cache-access.ts';
import { nodeDirectoryAccess } from './node-directory.ts';
import type { CacheAccess, SessionCache } from './session-cache.ts';

/** Properties of {@link TurnDirectory}. */
export interface TurnDirectoryProps {
  /** The cache that auth reads too. */
  readonly cache: SessionCache;
  /**
   * Password of the nodes' user, as {@link CacheUserProps.passwordGeneration}.
   * @default 1
   */
  readonly passwordGeneration?: number;
}

/**
 * Where TURN nodes write themselves down (address, zone, load, state) and auth reads them: one hash in the session cache. This
 * construct is the nodes' user of the cache, which can write that one key, read revocations, and nothing else. Format and
 * staleness: packages/service/src/turn-directory.ts.
 */
export class TurnDirectory extends Construct {
  /** What a node needs to write to the directory. */
  readonly access: CacheAccess;

  constructor(scope: Construct, id: string, props: TurnDirectoryProps) {
    super(scope, id);
    this.access = nodeDirectoryAccess('TurnDirectory', props, {
      id: 'TurnNode',
      userName: 'turn-node',
      accessString: TURN_NODE_ACCESS,
    });
  }
}
