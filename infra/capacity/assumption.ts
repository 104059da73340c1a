/** One number of the capacity model, with its origin. */
export interface Assumption {
  readonly value: number;
  readonly unit: string;
  /** Where it comes from: a command that prints it, or a page with the month it was read. */
  readonly source: string;
}
