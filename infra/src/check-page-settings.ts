import { isDeepStrictEqual } from 'node:util';
import { Token } from 'aws-cdk-lib';
import { pageSettingFault } from '../topology/page-settings.ts';
import { check } from './check.ts';

/**
 * Settings of the page, checked by the page's own readers: what it would leave out is refused here. A name that the page does not know passes, as a
 * client of the user's own may, unless it is nearly one of its own. Values that only the deployment knows are not judged.
 * @throws Error naming the setting and the fix
 */
export function checkPageSettings(construct: string, prop: string, config: unknown): void {
  if (config === undefined) return;
  check(
    typeof config === 'object' && config !== null && !Array.isArray(config),
    construct,
    prop,
    'it is no object',
    'an object of settings, such as { reportSampling: 0.1 }',
  );
  check(
    !holdsToken((config as { embedOrigins?: unknown }).embedOrigins),
    construct,
    prop,
    'embedOrigins is known at deployment only, so nothing can check it',
    'origins as they are written, such as ["https://clinic.example.org"]',
  );
  for (const [name, value] of Object.entries(config as object)) {
    if (value === undefined || holdsToken(value)) continue;
    check(
      isJson(value),
      construct,
      prop,
      `${name} is no JSON value`,
      'text, a number, true, false, null, a list or an object',
    );
    const fault = pageSettingFault(name, value);
    check(fault === undefined, construct, prop, fault?.problem ?? '', fault?.fix ?? '');
  }
}

/** Whether only the deployment knows it, or a part of it. */
function holdsToken(value: unknown): boolean {
  if (Token.isUnresolved(value)) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsToken);
}

/** Whether it is the same after a way through a file. */
function isJson(value: unknown): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value);
  } catch {
    return false;
  }
}
