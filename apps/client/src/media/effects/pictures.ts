/** Pictures that can stand behind people; scripts/effects.ts ships one file of each. Imports nothing: the build reads it. */
export const PICTURES = ['study', 'hills', 'plain'] as const;
export type Picture = (typeof PICTURES)[number];

/** What a remembered choice means: a picture, or undefined for blur. */
export const pictureOf = (choice: string): Picture | undefined => PICTURES.find((one) => one === choice);
