/** A number of the capacity model with its unit and its source. */
export interface Assumption {
  readonly value: number;
  readonly unit: string;
  /** Where it comes from: a command that prints it, or a page with the month it was read. */
  readonly source: string;
}

export const assumption = (value: number, unit: string, source: string): Assumption => ({ value, unit, source });
/** Source of a price that AWS publishes and that was read. */
export const LIST = 'AWS list price, us-east-1, on demand, read November 2026';
/** Of a price that was not read from the list for this. */
export const UNREAD = 'us-east-1, on demand, from memory: compare it with the price list';
