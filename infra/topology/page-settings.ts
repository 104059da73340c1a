/** Settings of the page, judged by the page's own readers before anything serves them: at synth, and when the edge starts. */
import { nearestSetting } from '@tandem/service/setting-names';
import { PAGE_SETTINGS, readRuntimeConfig } from '../../apps/client/src/config.ts';
import { readLook } from '../../apps/client/src/look.ts';

/** Settings that the page reads by look.ts. */
const LOOK = new Set(['branding', 'languages', 'features']);

/** Why a setting is refused. */
export interface PageSettingFault {
  readonly problem: string;
  readonly fix: string;
}

/**
 * What the page would leave out is a fault. A name that the page does not know passes, as a client of the user's own may, unless it is nearly one
 * of its own.
 * @param name of the setting, as in config.json
 * @param value as JSON gives it
 * @returns undefined when the page takes it
 */
export function pageSettingFault(name: string, value: unknown): PageSettingFault | undefined {
  const meant = nearestSetting(name, PAGE_SETTINGS);
  if (meant !== undefined) return { problem: `${name} is no setting of the page`, fix: `${meant}, if that is meant` };
  const told: string[] = [];
  readRuntimeConfig({ [name]: value }, (line) => told.push(line));
  readLook(LOOK.has(name) ? { [name]: value } : {}, (line) => told.push(line));
  const [problem] = told;
  return problem === undefined
    ? undefined
    : { problem, fix: 'a value that the page takes; apps/client/src/config.ts and look.ts say which' };
}
