/** What AWS itself says of an alarm topic and of the key that encrypts it. */
import { AWS_LIMITS } from '@tandem/service/aws-limits';
import type { ReadTopic, TopicKey } from './alarm-path.ts';

/** The task's role needs sns:GetTopicAttributes, and for an encrypted topic kms:DescribeKey and kms:GetKeyPolicy. */
export function topicReader(region: string | undefined): ReadTopic {
  return async (topicArn) => {
    const sdk = await import('@aws-sdk/client-sns');
    const client = new sdk.SNSClient({ ...AWS_LIMITS, ...(region ? { region } : {}) });
    try {
      const { Attributes = {} } = await client.send(new sdk.GetTopicAttributesCommand({ TopicArn: topicArn }));
      const { KmsMasterKeyId: id } = Attributes;
      return id ? { ...Attributes, key: await readKey(id, region) } : Attributes;
    } finally {
      client.destroy();
    }
  };
}

/** @param id id, ARN or alias, as SNS names it */
async function readKey(id: string, region: string | undefined): Promise<TopicKey> {
  const sdk = await import('@aws-sdk/client-kms');
  const client = new sdk.KMSClient({ ...AWS_LIMITS, ...(region ? { region } : {}) });
  try {
    // GetKeyPolicy takes no alias (KMS API reference).
    const { KeyMetadata } = await client.send(new sdk.DescribeKeyCommand({ KeyId: id }));
    const { Policy } = await client.send(new sdk.GetKeyPolicyCommand({ KeyId: KeyMetadata?.KeyId ?? id }));
    return { state: KeyMetadata?.KeyState ?? 'unknown', policy: Policy ?? '' };
  } finally {
    client.destroy();
  }
}
