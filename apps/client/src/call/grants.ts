/** What this person may do, as their access token says. Only for what to show: the server checks each request (S-24, S-41, S-124). */
export interface ShownGrants {
  /** May mute, remove, let in, and end the call. */
  readonly kick: boolean;
  /** With `kick`: may let those speak who may only watch. */
  readonly invite: boolean;
  /** May record the call, and fetch and delete its recordings. */
  readonly record: boolean;
  /** May be seen and heard; otherwise they are audience. */
  readonly publish: boolean;
  /** May write to the others. */
  readonly data: boolean;
}

export function readGrants(token: string | undefined): ShownGrants {
  try {
    const [, payload = ''] = (token ?? '').split('.');
    const { grants } = JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/'))) as {
      grants?: { kick?: unknown; invite?: unknown; record?: unknown; publish?: unknown; data?: unknown };
    };
    return {
      kick: grants?.kick === true,
      invite: grants?.invite === true,
      record: grants?.record === true,
      publish: grants?.publish !== false,
      data: grants?.data !== false,
    };
  } catch {
    return { kick: false, invite: false, record: false, publish: true, data: true };
  }
}

/** What one may do beside speaking: what the room says comes before the token (rule S-39), also when it was heard first. */
export const mayNow = (
  { moderates, invites }: { readonly moderates: boolean | undefined; readonly invites: boolean | undefined },
  { kick, invite, record }: ShownGrants,
) => ({ moderator: moderates ?? kick, host: kick, inviter: invites ?? invite, recorder: record });
