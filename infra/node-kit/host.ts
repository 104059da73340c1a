/** Where this node runs: EC2's metadata service (version 2 only), or settings elsewhere. */
import { isIP, isIPv4 } from 'node:net';
import { AWS_LIMITS } from '@tandem/service/aws-limits';
import type { HostSettings } from './settings.ts';

export interface Host {
  readonly id: string;
  readonly publicIp: string;
  readonly privateIp: string;
  readonly zone: string;
  /** True once the auto scaling group wants this instance gone. */
  leaving(): Promise<boolean>;
  /** Tell the group to wait on, or that the drain is over. */
  lifecycle(what: 'wait' | 'done'): Promise<void>;
}

const IMDS = 'http://169.254.169.254/latest';

async function metadata(path: string): Promise<string | undefined> {
  const signal = AbortSignal.timeout(2000);
  const token = await fetch(`${IMDS}/api/token`, {
    method: 'PUT',
    headers: { 'X-aws-ec2-metadata-token-ttl-seconds': '60' },
    signal,
  });
  if (!token.ok) throw new Error(`instance metadata: the token request was answered ${token.status}`);
  const answer = await fetch(`${IMDS}/meta-data/${path}`, {
    headers: { 'X-aws-ec2-metadata-token': await token.text() },
    signal,
  });
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw new Error(`instance metadata: ${path} answered ${answer.status}`);
  return (await answer.text()).trim();
}

/** @throws Error naming the setting when neither settings nor metadata tell the address */
export async function findHost(settings: HostSettings): Promise<Host> {
  const { PUBLIC_IP: publicIp, PRIVATE_IP: privateIp = publicIp } = settings;
  if (publicIp && privateIp) {
    if (isIP(publicIp) !== isIP(privateIp))
      throw new Error(
        `PRIVATE_IP: ${privateIp} is not of the family of PUBLIC_IP. Fix: two IPv4 or two IPv6 addresses.`,
      );
    return {
      id: settings.NODE_ID ?? publicIp,
      publicIp,
      privateIp,
      zone: settings.ZONE ?? 'local',
      leaving: async () => false,
      lifecycle: async () => {},
    };
  }
  return ec2Host(settings);
}

async function ec2Host(settings: HostSettings): Promise<Host> {
  const [id, publicIp, privateIp, zone] = await Promise.all(
    ['instance-id', 'public-ipv4', 'local-ipv4', 'placement/availability-zone'].map(metadata),
  ).catch((error: unknown) => {
    throw new Error(`PUBLIC_IP: not given, and there is no EC2 metadata service here (${String(error)})`);
  });
  if (!id || !publicIp || !privateIp || !zone)
    throw new Error('PUBLIC_IP: the instance has no public address. Fix: run it in a public subnet.');
  if (!isIPv4(publicIp) || !isIPv4(privateIp))
    throw new Error(
      'PUBLIC_IP: instance metadata gave something that is no IPv4 address. Fix: set PUBLIC_IP and PRIVATE_IP.',
    );
  return {
    id,
    publicIp,
    privateIp,
    zone,
    leaving: async () => (await metadata('autoscaling/target-lifecycle-state')) === 'Terminated',
    lifecycle: async (what) => {
      if (!settings.LIFECYCLE_HOOK || !settings.AUTO_SCALING_GROUP) return;
      const sdk = await import('@aws-sdk/client-auto-scaling');
      const client = new sdk.AutoScalingClient({
        ...AWS_LIMITS,
        ...(settings.AWS_REGION ? { region: settings.AWS_REGION } : {}),
      });
      const common = {
        LifecycleHookName: settings.LIFECYCLE_HOOK,
        AutoScalingGroupName: settings.AUTO_SCALING_GROUP,
        InstanceId: id,
      };
      if (what === 'wait') await client.send(new sdk.RecordLifecycleActionHeartbeatCommand(common));
      else await client.send(new sdk.CompleteLifecycleActionCommand({ ...common, LifecycleActionResult: 'CONTINUE' }));
    },
  };
}
