/** Settings that a TURN node and a media node have in common. Keys are environment variable names. */
import { isIP } from 'node:net';
import { checkedText } from '@tandem/service/settings';
import Type, { type Static } from 'typebox';

/** How the cache is reached. */
export const directorySettings = {
  REDIS_USERNAME: Type.Optional(Type.String({ description: 'ACL user.' })),
  REDIS_PASSWORD: Type.Optional(Type.String({ description: 'Its password.', secret: true })),
};

const address = (description: string) =>
  checkedText((text) => isIP(text) !== 0, { expected: 'an IP address, such as 198.51.100.7', description });

/** Where the node runs. On EC2 the metadata service of the instance tells. */
export const hostSettings = {
  LIFECYCLE_HOOK: Type.Optional(
    Type.String({ description: 'Name of the auto scaling group’s hook that waits for the drain.' }),
  ),
  AUTO_SCALING_GROUP: Type.Optional(Type.String({ description: 'The group of that hook.' })),
  AWS_REGION: Type.Optional(Type.String({ description: 'Region.' })),
  NODE_ID: Type.Optional(
    Type.String({ maxLength: 64, description: 'Outside EC2: name of the node. Default there: the instance id.' }),
  ),
  PUBLIC_IP: Type.Optional(address('Outside EC2: address that clients reach.')),
  PRIVATE_IP: Type.Optional(address('Outside EC2: address to listen on. Default: PUBLIC_IP.')),
  ZONE: Type.Optional(Type.String({ description: 'Outside EC2: zone.' })),
};
const HostSettings = Type.Object(hostSettings);
export type HostSettings = Static<typeof HostSettings>;

/** Metrics in the log, for CloudWatch. */
export const metricsSettings = (part: string) => ({
  METRICS_STACK: Type.Optional(Type.String({ description: 'Dimension of the metrics; unset: none are written.' })),
  METRICS_PART: Type.String({ default: part, description: 'Second dimension: which fleet of that stack.' }),
});
