import type { MessageKey, Values } from '../i18n/index.ts';
import type { Notice } from './types.ts';

/** From this many people on, comings and goings are no news. */
export const QUIET_FROM = 9;
/** Lines shown at once; older ones make room. */
const SHOWN = 3;

/** Lines of one kind become one: "Ada joined", "Bob and 1 other joined". */
const MERGED: Partial<Record<MessageKey, MessageKey>> = {
  'call.joined': 'call.joinedMany',
  'call.left': 'call.leftMany',
};

/**
 * The lines with one more. One that says the same of somebody else joins those before it, so that ten people who come at once are one
 * line.
 */
export function addNotice(list: readonly Notice[], notice: Notice): Notice[] {
  const many = MERGED[notice.key];
  const same = many && list.find(({ key }) => key === notice.key || key === many);
  if (!many || !same) return [...list.slice(1 - SHOWN), notice];
  const count = same.key === many ? Number(same.values?.count ?? 1) + 1 : 1;
  const values: Values = { ...notice.values, count };
  return [...list.filter((one) => one !== same), { ...notice, key: many, values }];
}
