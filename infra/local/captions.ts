/** Captions of `npm start`: their service, where the environment names recognizers, and the languages that the page offers then. */
import { parseRecognizers } from '@tandem/captions/config';

export interface LocalCaptions {
  /** As CAPTIONS_RECOGNIZERS has them. */
  readonly recognizers: string;
  /** None where the text is no list of recognizers: the service refuses it and says why. */
  readonly languages: readonly string[];
}

/** @param recognizers CAPTIONS_RECOGNIZERS; unset or empty: there is no service */
export function findCaptions(recognizers = process.env.CAPTIONS_RECOGNIZERS): LocalCaptions | undefined {
  return recognizers ? { recognizers, languages: [...(parseRecognizers(recognizers)?.keys() ?? [])] } : undefined;
}

/**
 * Settings of the page, with the languages of the recognizers unless they name some.
 * @param given CLIENT_SETTINGS; what is no JSON object stays as it is: the edge refuses it and says why
 */
export function pageSettings(captions?: LocalCaptions, given = process.env.CLIENT_SETTINGS): string | undefined {
  if (!captions) return given || undefined;
  let settings: unknown;
  try {
    settings = JSON.parse(given || '{}');
  } catch {
    return given;
  }
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) return given;
  return JSON.stringify({ captionLanguages: captions.languages, ...settings });
}
