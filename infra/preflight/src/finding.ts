/** What a check of an account found. */
export type Finding =
  | { readonly state: 'met'; readonly what: string }
  | { readonly state: 'lacking'; readonly what: string; readonly fix: string }
  /** It could not be read; a permission is missing, most often. */
  | { readonly state: 'unknown'; readonly what: string; readonly fix: string };

export const met = (what: string): Finding => ({ state: 'met', what });
export const lacking = (what: string, fix: string): Finding => ({ state: 'lacking', what, fix });

/** Runs one check; what AWS refuses to tell becomes `unknown`. */
export async function finding(subject: string, check: () => Promise<Finding>): Promise<Finding> {
  try {
    return await check();
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message.split('\n')[0]}` : String(error);
    return { state: 'unknown', what: `${subject}: ${reason}`, fix: 'let these credentials read it, or look by hand' };
  }
}
