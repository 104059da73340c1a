/** Plain text, or one text per plural form (CLDR). */
export type Message = string | ({ other: string } & Partial<Record<Intl.LDMLPluralRule, string>>);
