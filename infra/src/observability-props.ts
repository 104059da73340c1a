import type * as sns from 'aws-cdk-lib/aws-sns';
import type { AuthService } from './auth-service.ts';
import type { CaptionsService } from './captions-service.ts';
import type { Edge } from './edge.ts';
import type { HooksService } from './hooks-service.ts';
import type { MediaFleet } from './media-fleet.ts';
import type { Recordings } from './recordings.ts';
import type { SessionCache } from './session-cache.ts';
import type { SignalingService } from './signaling-service.ts';
import type { TurnFleet } from './turn-fleet.ts';
import type { WebClient } from './web-client.ts';

/** Properties of {@link Observability}. Each part is optional: what is given is watched. */
export interface ObservabilityProps {
  /**
   * Signaling.
   * @default - not watched
   */
  readonly signaling?: SignalingService;
  /**
   * Auth.
   * @default - not watched
   */
  readonly auth?: AuthService;
  /**
   * The events service.
   * @default - not watched
   */
  readonly hooks?: HooksService;
  /**
   * The captions service.
   * @default - not watched
   */
  readonly captions?: CaptionsService;
  /**
   * Cache.
   * @default - not watched
   */
  readonly cache?: SessionCache;
  /**
   * Relays.
   * @default - not watched
   */
  readonly turn?: TurnFleet;
  /**
   * Media nodes.
   * @default - not watched
   */
  readonly media?: MediaFleet;
  /**
   * Recordings.
   * @default - not watched
   */
  readonly recordings?: Recordings;
  /**
   * Load balancer.
   * @default - not watched
   */
  readonly edge?: Edge;
  /**
   * CloudFront.
   * @default - not watched
   */
  readonly webClient?: WebClient;
  /**
   * Where alarms go. Its policy and its key must allow `cloudwatch.amazonaws.com` (and `budgets.amazonaws.com`) to publish.
   * @default - a new encrypted topic
   */
  readonly topic?: sns.ITopic;
  /**
   * Addresses that get the alarms by mail; each must confirm.
   * @default - none
   */
  readonly emails?: string[];
  /**
   * Dollars a month of traffic out to the internet above which the topic gets a message, and when the forecast is above it.
   * @default - no budget
   */
  readonly monthlyEgressBudgetUsd?: number;
  /**
   * Cost allocation tag of what the budget counts, such as `part$Turn` (key, dollar sign, value). Activate it in the billing console once.
   * @default - all of the account
   */
  readonly budgetTag?: string;
  /**
   * Where the runbooks are, without a slash at the end.
   * @default 'docs/runbooks'
   */
  readonly runbooks?: string;
  /**
   * Fewest healthy tasks of a service and TURN nodes before it alarms.
   * @default 2
   */
  readonly minHealthy?: number;
}

/** When an alarm of {@link Observability.addAlarm} goes off. */
export interface AlarmThreshold {
  /** The value not to pass. */
  readonly threshold: number;
  /**
   * Alarm below it instead of above.
   * @default false
   */
  readonly below?: boolean;
  /**
   * How many periods in a row.
   * @default 3
   */
  readonly periods?: number;
  /**
   * No data counts as bad; of a new alarm once there were some, or after two hours.
   * @default false
   */
  readonly missingIsBad?: boolean;
}
