import type { RuntimeConfig } from '../config.ts';
import { loadRuntimeConfig } from '../lib/runtime-config.ts';
import { canRecognizeHere, recognitionOptions } from './recognize-here.ts';

/** How what I say can become words: on this device, by the deployment's service, or by a service that may not hear an encrypted call. */
export type CaptionWay = 'device' | 'service' | 'encrypted' | undefined;

const baseOf = (tag: string) => tag.split('-', 1)[0]?.toLowerCase();

/** @returns the language of the service that comes nearest to `wanted`: the same, or another of its region */
export function nearestLanguage(wanted: string, offered: readonly string[]): string | undefined {
  return offered.find((tag) => tag === wanted) ?? offered.find((tag) => baseOf(tag) === baseOf(wanted));
}

/** The language of the page, as the captions service has it. */
export const serviceLanguage = ({ captionLanguages }: RuntimeConfig): string | undefined =>
  nearestLanguage(recognitionOptions().langs[0] ?? '', captionLanguages);

/** @param secret of an end-to-end encrypted call: its sound goes to no server */
export async function captionWay(secret: string | undefined): Promise<CaptionWay> {
  if (await canRecognizeHere()) return 'device';
  if (serviceLanguage(await loadRuntimeConfig()) === undefined) return undefined;
  return secret === undefined ? 'service' : 'encrypted';
}
