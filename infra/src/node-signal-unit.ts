/** What a unit on the instance tells CloudFormation about. */
export interface NodeSignal {
  /** Name of the node's container. */
  readonly container: string;
  readonly stackName: string;
  readonly region: string;
  /** Logical id of the auto scaling group. */
  readonly resource: string;
}

/**
 * Shell commands for the first boot: a unit that waits until the node's container is healthy (a TURN node: STUN answers) and then signals
 * CloudFormation, which replaces the next instance only then. On the host and not in the node's program: an update of the group runs before
 * that of the service, with the task of before. cfn-signal needs no rights of a role (CloudFormation guide, "cfn-signal"). Without an update that
 * waits, the signal is refused, which harms nothing.
 */
export function nodeSignalUnit({ container, stackName, region, resource }: NodeSignal): string[] {
  const healthy = `docker ps --quiet --filter health=healthy --filter label=com.amazonaws.ecs.container-name=${container}`;
  return [
    'dnf install -y aws-cfn-bootstrap',
    `cat > /usr/local/sbin/signal-node <<'END'`,
    '#!/bin/sh',
    `until [ -n "$(${healthy} 2>/dev/null)" ]; do sleep 5; done`,
    `exec cfn-signal --success true --stack ${stackName} --resource ${resource} --region ${region}`,
    'END',
    'chmod 755 /usr/local/sbin/signal-node',
    `cat > /etc/systemd/system/signal-node.service <<'END'`,
    '[Unit]',
    'After=ecs.service',
    '[Service]',
    'Type=oneshot',
    'Environment=PATH=/opt/aws/bin:/usr/local/bin:/usr/bin:/bin',
    'ExecStart=/usr/local/sbin/signal-node',
    // systemd ends a oneshot unit never by itself; CloudFormation waits an hour at most.
    'TimeoutStartSec=3600',
    'END',
    // Not waited for: the ECS agent starts when this script has ended.
    'systemctl daemon-reload',
    'systemctl start --no-block signal-node.service',
  ];
}
