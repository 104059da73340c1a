/** Pictures that can stand behind people; scripts/effects.ts ships one file of each. Imports nothing: the build reads it. */
export const PICTURES = ['study', 'hills', 'plain'] as const;
/** One of ours, or one of the person's own: a name that is new for each. */
export type Picture = (typeof PICTURES)[number] | `own-${string}`;

/** A picture of one's own, kept on this device. */
export const isOwn = (choice: string): choice is `own-${string}` => /^own-[0-9a-z]{1,16}$/.test(choice);

/** What a remembered choice means: a picture, or undefined for blur. */
export const pictureOf = (choice: string): Picture | undefined =>
  isOwn(choice) ? choice : PICTURES.find((one) => one === choice);
