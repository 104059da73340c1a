/** What a unit on the instance watches. */
export interface NodeHealth {
  /** Name of the node's container. */
  readonly container: string;
  readonly region: string;
}

/** Minutes without a healthy node after which an instance whose node was healthy is given up. ECS starts the task again before, many times. */
const LOST_MINUTES = 15;
/** The same for an instance whose node never was: the first deployment waits for the cache, and an update that fails ends after 30 minutes. */
const NEVER_MINUTES = 60;
/** At most one instance of a group is given up in this time. */
const APART_MINUTES = 60;

/**
 * Shell commands for the first boot: a unit that has Auto Scaling replace this instance when its node (a TURN node: STUN is answered) is not healthy
 * for a long time. EC2's checks see a machine that runs, not a relay that does not. On the host and not in the container, which may be what
 * fails. docs/decisions/0018-instance-health.md says why not a load balancer's checks, and what bounds it.
 */
export function nodeHealthUnit({ container, region }: NodeHealth): string[] {
  const healthy = `docker ps --quiet --filter health=healthy --filter label=com.amazonaws.ecs.container-name=${container}`;
  const aws = `aws --region ${region} --output text autoscaling`;
  return [
    'dnf install -y awscli-2',
    `cat > /usr/local/sbin/watch-node <<'END'`,
    '#!/bin/bash',
    `healthy() { [ -n "$(${healthy} 2>/dev/null)" ]; }`,
    'minutes() { local up; read -r up _ < /proc/uptime; echo $((${up%.*} / 60)); }',
    'token=$(curl -sf -X PUT http://169.254.169.254/latest/api/token -H "X-aws-ec2-metadata-token-ttl-seconds: 60")',
    'id=$(curl -sf http://169.254.169.254/latest/meta-data/instance-id -H "X-aws-ec2-metadata-token: $token") || exit 1',
    // True when no other instance of the group is given up now, and none was lately: then the fault is of this instance alone. No answer is a no.
    'may_go() {',
    '  local group others last',
    `  group=$(${aws} describe-auto-scaling-instances --instance-ids "$id" --query 'AutoScalingInstances[0].AutoScalingGroupName') || return 1`,
    `  others=$(${aws} describe-auto-scaling-groups --auto-scaling-group-names "$group" --query "AutoScalingGroups[0].Instances[?InstanceId!='$id' && HealthStatus!='Healthy'].InstanceId") || return 1`,
    '  [ -z "$others" ] || return 1',
    `  last=$(${aws} describe-scaling-activities --auto-scaling-group-name "$group" --max-items 50 --query "Activities[?contains(Cause, 'health')].[StartTime]") || return 1`,
    '  # Newest first. With --max-items the last line may be a token of the next page.',
    '  last=$(grep -m 1 -E "^[0-9]{4}-" <<< "$last")',
    `  [ -z "$last" ] || [ $(($(date +%s) - $(date -d "$last" +%s))) -ge ${APART_MINUTES * 60} ]`,
    '}',
    'seen=$(minutes)',
    `limit=${NEVER_MINUTES}`,
    'while sleep 30; do',
    `  if healthy; then seen=$(minutes); limit=${LOST_MINUTES}; continue; fi`,
    '  [ $(($(minutes) - seen)) -ge "$limit" ] || continue',
    '  # Instances that fail together ask one after the other.',
    '  sleep $((RANDOM % 300))',
    '  healthy && continue',
    '  if ! may_go; then echo "the node is not healthy; the instance stays: another is given up too, or was lately, or Auto Scaling does not answer"; continue; fi',
    `  echo "no healthy node for $(($(minutes) - seen)) minutes: the instance is given up"`,
    `  ${aws} set-instance-health --instance-id "$id" --health-status Unhealthy && exit 0`,
    'done',
    'END',
    'chmod 755 /usr/local/sbin/watch-node',
    `cat > /etc/systemd/system/watch-node.service <<'END'`,
    '[Unit]',
    'After=ecs.service',
    '[Service]',
    'Environment=PATH=/usr/local/bin:/usr/bin:/bin',
    'ExecStart=/usr/local/sbin/watch-node',
    'Restart=on-failure',
    'RestartSec=60',
    '[Install]',
    'WantedBy=multi-user.target',
    'END',
    'systemctl daemon-reload',
    'systemctl enable --now --no-block watch-node.service',
  ];
}
