/**
 * Media nodes hear until when the tokens of people who are away are good: after it they pass nothing on of these, and send them nothing, though
 * their sessions wait for a newer token.
 */
import { type ServerMessage, TOKEN_ENDS_TOPIC } from '@tandem/protocol';
import type { Member } from '../model.ts';

/** What the agent of a media node hears of these members. */
export function tokenEnds(members: Iterable<Member>): ServerMessage {
  const data: Record<string, number> = {};
  for (const { peerId, away, info } of members) if (away && info.until !== undefined) data[peerId] = info.until;
  return { type: 'server_message', topic: TOKEN_ENDS_TOPIC, data };
}
