/** Places of users: how many sessions one may have, and which one a login session has. */
export interface IdentityKey {
  readonly userId: string;
  /** '' when any number of sessions may share it: they only count. */
  readonly loginSession: string;
}
export interface ClaimRule {
  /** Sessions of one user; 0: any number. */
  readonly limit: number;
  /** Take it only if no session holds it (''), or the one with this peer id. Default: take it from any holder. */
  readonly expect?: string;
}
export type ClaimResult =
  /** Ours; `previous` held it before, and its place is ours as well. */
  | { readonly kind: 'ours'; readonly previous: string | undefined }
  /** Somebody unexpected holds it. */
  | { readonly kind: 'held'; readonly by: string }
  /** The user has `limit` sessions: these. */
  | { readonly kind: 'full'; readonly others: readonly string[] };
