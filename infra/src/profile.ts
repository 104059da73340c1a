/** How much of everything: a cheap topology to try, or one where nothing is single. */
export class TopologyProfile {
  /** Two zones, no NAT, smallest sizes, no failover. For trying out; about $130 a month when idle. */
  static readonly DEVELOPMENT: TopologyProfile = new TopologyProfile('development');
  /** Three zones, nothing single, deletion protection. */
  static readonly PRODUCTION: TopologyProfile = new TopologyProfile('production');

  /** `development` or `production`. */
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /**
   * The profile of that name.
   * @throws Error when there is none
   */
  static named(name: string): TopologyProfile {
    const found = [TopologyProfile.DEVELOPMENT, TopologyProfile.PRODUCTION].find((profile) => profile.name === name);
    if (!found) throw new Error(`TopologyProfile.named: "${name}" is no profile. Fix: development or production.`);
    return found;
  }

  /** Whether nothing may be single. */
  get isProduction(): boolean {
    return this === TopologyProfile.PRODUCTION;
  }
}
