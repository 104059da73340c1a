import { Token } from 'aws-cdk-lib';
import * as budgets from 'aws-cdk-lib/aws-budgets';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { check } from './check.ts';

/**
 * A monthly budget of traffic out to the internet, which is most of the bill of relays. It sends a message when it is used up, and before that when
 * the forecast is above it. AWS Budgets reads the bill up to three times a day.
 */
export function egressBudget(
  scope: Construct,
  { usd, tag, topic }: { readonly usd: number; readonly tag: string | undefined; readonly topic: ITopic },
): void {
  check(
    tag === undefined || Token.isUnresolved(tag) || /^[^$]+\$[^$]+$/.test(tag),
    'Observability',
    'budgetTag',
    `"${tag}" is no tag with a value`,
    'key, dollar sign, value, such as part$Turn',
  );
  // Without a name of ours: another topic replaces the budget, and a second one of the same name would be refused.
  const budget = new budgets.CfnBudget(scope, 'EgressBudget', {
    budget: {
      budgetType: 'COST',
      timeUnit: 'MONTHLY',
      budgetLimit: { amount: usd, unit: 'USD' },
      // Budgets API reference, "Budget", CostFilters: tags of users begin with `user:`.
      costFilters: {
        UsageTypeGroup: ['EC2: Data Transfer - Internet (Out)'],
        ...(tag ? { TagKeyValue: [`user:${tag}`] } : {}),
      },
    },
    notificationsWithSubscribers: (['ACTUAL', 'FORECASTED'] as const).map((notificationType) => ({
      notification: {
        notificationType,
        comparisonOperator: 'GREATER_THAN',
        threshold: 100,
        thresholdType: 'PERCENTAGE',
      },
      subscribers: [{ subscriptionType: 'SNS', address: topic.topicArn }],
    })),
  });
  // AWS Budgets asks the topic when the budget is made: its policy must be there.
  budget.node.addDependency(topic);
}
