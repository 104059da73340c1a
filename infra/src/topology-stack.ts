import { Fn, Stack, type StackProps, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { checkInteger } from './check.ts';
import { checkProps } from './check-props.ts';

/** Properties of {@link TopologyStack}. */
export interface TopologyStackProps extends StackProps {
  /**
   * How many zones the region offers.
   * @default 3
   */
  readonly zones?: number;
}

/**
 * A stack that knows its zones without asking AWS: CDK offers two to a stack without account and region, and asks the account
 * otherwise. The names are left to CloudFormation (`Fn::GetAZs`), so one template serves every region with that many zones.
 */
export class TopologyStack extends Stack {
  private readonly zones: number;

  constructor(scope: Construct, id: string, props: TopologyStackProps = {}) {
    checkProps('TopologyStack', 'TopologyStackProps', props);
    checkInteger('TopologyStack', 'zones', props.zones, 2, 6);
    // CloudFormation takes templates of 1 MB (its quotas). A cache of hundreds of nodes has as many alarms; indentation was a third of it.
    super(scope, id, { suppressTemplateIndentation: true, ...props });
    this.zones = props.zones ?? 3;
  }

  /** Zones as `Fn::GetAZs` names them. */
  override get availabilityZones(): string[] {
    // The base class asks while it is being built, before `zones` is set.
    return Array.from({ length: this.zones ?? 3 }, (_, i) => Token.asString(Fn.select(i, Fn.getAzs())));
  }
}
