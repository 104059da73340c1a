/** A number of the capacity model with its unit and its source. */
export interface Assumption {
  readonly value: number;
  readonly unit: string;
  /** Where it comes from: a command that prints it, or a page with the month it was read. */
  readonly source: string;
}

export const assumption = (value: number, unit: string, source: string): Assumption => ({ value, unit, source });
/** Source of a price that AWS publishes and that was read, with when that was. */
export const listRead = (month: string) => `AWS list price, us-east-1, on demand, read ${month}`;
export const LIST = listRead('November 2026');
/** Of a price of which no source was read. */
export const UNREAD = 'assumption for us-east-1: no source was read, compare it with the price list';
