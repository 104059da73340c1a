import { checkProps } from './check-props.ts';
import type { CacheAccess, CacheUserProps, SessionCache } from './session-cache.ts';

/** The nodes' user of the cache in which they write themselves down. @param kind name of the construct */
export function nodeDirectoryAccess(
  kind: 'TurnDirectory' | 'MediaDirectory',
  props: { readonly cache: SessionCache; readonly passwordGeneration?: number },
  { id, ...user }: Pick<CacheUserProps, 'userName' | 'accessString'> & { readonly id: string },
): CacheAccess {
  checkProps(kind, `${kind}Props`, props);
  return props.cache.addUser(id, { ...user, passwordGeneration: props.passwordGeneration });
}
