/** What `npm run fuzz` runs: something real, and inputs of any kind for it. */

export interface FuzzTarget {
  readonly name: string;
  /** Starts what is attacked. */
  open(): Promise<OpenTarget>;
}

export interface OpenTarget extends AsyncDisposable {
  /**
   * Gives it `runs` inputs, the same for the same `seed`.
   * @throws Error with the smallest input that broke a rule
   */
  attack(seed: number, runs: number): Promise<void>;
}
