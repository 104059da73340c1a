/** Whom this page has moved to the audience: without the grant `invite`, a moderator takes back that alone (rule S-51). */
const moved = new Set<string>();

export const noteMoved = (peerId: string): void => void moved.add(peerId);
export const mayGiveBack = (peerId: string): boolean => moved.has(peerId);
