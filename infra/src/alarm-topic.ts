import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/** Services of AWS that publish here, each for this account only. */
const PUBLISHERS = { AlarmsOfThisAccount: 'cloudwatch.amazonaws.com', BudgetsOfThisAccount: 'budgets.amazonaws.com' };

/** The encrypted topic of alarms. */
export function alarmTopic(scope: Construct): sns.Topic {
  const conditions = { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } };
  const key = new kms.Key(scope, 'TopicKey', { description: 'Alarms', enableKeyRotation: true });
  const topic = new sns.Topic(scope, 'Alarms', { displayName: 'Tandem alarms', masterKey: key, enforceSSL: true });
  for (const [sid, service] of Object.entries(PUBLISHERS)) {
    const principals = [new iam.ServicePrincipal(service)];
    // They publish through the key; AWS "Encrypting messages published to an encrypted topic".
    key.addToResourcePolicy(
      new iam.PolicyStatement({
        principals,
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'],
        conditions,
      }),
    );
    // enforceSSL writes a policy, which replaces SNS's default one: without this line it is a lone Deny, and no alarm arrives. AWS "Using
    // CloudWatch alarms with encrypted SNS topics", SNS "Example cases", Cost Management "Creating an Amazon SNS topic for budget notifications".
    topic.addToResourcePolicy(
      new iam.PolicyStatement({ sid, principals, actions: ['sns:Publish'], resources: [topic.topicArn], conditions }),
    );
  }
  return topic;
}
