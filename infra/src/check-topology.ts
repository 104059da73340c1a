import { Token } from 'aws-cdk-lib';
import { check, checkDomain, checkGiven, checkInteger } from './check.ts';
import { checkCacheUrl } from './check-cache-url.ts';
import type { WebRtcTopologyProps } from './webrtc-topology-props.ts';

/** @throws Error naming the property and the fix */
export function checkTopology(props: WebRtcTopologyProps, production: boolean): void {
  const kind = 'WebRtcTopology';
  check(
    !production || props.domain !== undefined,
    kind,
    'domain',
    'production needs a name of its own, and turns:',
    'give domain, or profile: TopologyProfile.DEVELOPMENT',
  );
  check(
    !production || !!props.access,
    kind,
    'access',
    'production does not guess who may have a token',
    "access: 'oidc' or 'api-key' (or 'open', if you mean it)",
  );
  checkDomain(kind, 'domain.domainName', props.domain?.domainName);
  check(
    !props.domain?.sharedDomainName || props.domain.hostedZone !== undefined,
    kind,
    'domain.hostedZone',
    'sharedDomainName is a latency record, which needs a zone',
    'give hostedZone',
  );
  checkSizes(kind, props, production);
  checkVpc(kind, props, production);
  checkExistingCache(kind, props);
  checkEvents(kind, props, production);
  checkInteger(`${kind}.captions`, 'minTasks', props.captions?.minTasks, production ? 2 : 1, 5000);
  checkDomain(kind, 'privateDomainName', props.privateDomainName);
  check(
    props.webAclArn === undefined ||
      Token.isUnresolved(props.webAclArn) ||
      /^arn:aws[a-z-]*:wafv2:us-east-1:\d{12}:global\/webacl\/.+/.test(props.webAclArn),
    kind,
    'webAclArn',
    `"${props.webAclArn}" is no web ACL of scope CLOUDFRONT`,
    'arn:aws:wafv2:us-east-1:<account>:global/webacl/<name>/<id>',
  );
}

function checkSizes(kind: string, props: WebRtcTopologyProps, production: boolean): void {
  checkInteger(kind, 'zones', props.zones, production ? 3 : 2, 6);
  checkInteger(kind, 'turnNodes', props.turnNodes, production ? 2 : 1, 1000);
  checkInteger(kind, 'mediaNodes', props.mediaNodes, 0, 1000);
  check(
    !production || props.mediaNodes !== 1,
    kind,
    'mediaNodes',
    'the rooms of one node have nowhere to move to',
    'at least 2 in production, or 0',
  );
  check(
    props.mediaNodes !== undefined || (props.maxMediaNodes ?? props.mediaOptions) === undefined,
    kind,
    'mediaNodes',
    'maxMediaNodes and mediaOptions are of media nodes, and there are none',
    'give mediaNodes, such as 2',
  );
  check(
    !props.packagers || !!props.mediaNodes,
    kind,
    'mediaNodes',
    'packagers are beside media nodes, and there are none',
    'give mediaNodes, such as 2',
  );
  check(
    !props.recordings || !!props.mediaNodes,
    kind,
    'mediaNodes',
    'media nodes record, and there are none',
    'give mediaNodes, such as 2',
  );
  check(
    props.recordings === true || props.recordingsOptions === undefined,
    kind,
    'recordings',
    'recordingsOptions are of recordings, and there are none',
    'recordings: true',
  );
  for (const name of ['turnOptions', 'mediaOptions'] as const) {
    const few = props[name]?.schedules?.findIndex((one) => one.min < 2) ?? -1;
    check(
      !production || few < 0,
      kind,
      name,
      `schedules[${few}].min is ${props[name]?.schedules?.[few]?.min}, and production is never without a second node`,
      'at least 2',
    );
  }
  checkInteger(kind, 'signalingTasks', props.signalingTasks, production ? 2 : 1, 5000);
  checkInteger(kind, 'cacheShards', props.cacheShards, 1, 160);
}

function checkEvents(kind: string, { events, eventsOptions }: WebRtcTopologyProps, production: boolean): void {
  check(
    events === true || eventsOptions === undefined,
    kind,
    'events',
    'eventsOptions are of the events service, and there is none',
    'events: true',
  );
  checkInteger(`${kind}.eventsOptions`, 'minTasks', eventsOptions?.minTasks, production ? 2 : 1, 64);
}

function checkExistingCache(kind: string, props: WebRtcTopologyProps): void {
  check(
    !props.existingCache || (props.cacheOptions ?? props.cacheShards ?? props.cachePasswordGeneration) === undefined,
    kind,
    'existingCache',
    'cacheOptions, cacheShards and cachePasswordGeneration are of a new cache',
    'give one or the other',
  );
  if (props.existingCache) {
    if (props.mediaNodes) checkGiven(`${kind}.existingCache`, props.existingCache, 'mediaNodes');
    if (props.events) checkGiven(`${kind}.existingCache`, props.existingCache, 'hooks');
    for (const [user, access] of Object.entries(props.existingCache))
      if (access) checkCacheUrl(`${kind}.existingCache`, user, access.url);
  }
}

function checkVpc(kind: string, { vpc, cluster }: WebRtcTopologyProps, production: boolean): void {
  check(!cluster || vpc !== undefined, kind, 'vpc', 'the cluster is in a VPC, and it is not given', 'vpc: cluster.vpc');
  if (!vpc) return;
  check(
    !cluster || cluster.vpc.vpcId === vpc.vpcId,
    kind,
    'cluster',
    'it is in another VPC',
    'a cluster in `vpc`, or cluster.vpc as `vpc`',
  );
  const zones = vpc.availabilityZones;
  const fewest = production ? 3 : 2;
  check(
    Token.isUnresolved(zones) || zones.length >= fewest,
    kind,
    'vpc',
    `it has ${zones.length} zones of ${fewest}`,
    `a VPC over ${fewest} zones`,
  );
  check(
    vpc.isolatedSubnets.length + vpc.privateSubnets.length > 0,
    kind,
    'vpc',
    'it has public subnets only, and the cache is not for the internet',
    'add isolated subnets',
  );
}
