/**
 * Two stacks of a company that has a VPC, a cluster, a cache and an auth service already:
 *  1. signaling, into that VPC and cluster, behind that company's own load balancer;
 *  2. TURN alone, for an auth service that signs credentials with a secret which exists.
 */
import { SignalingService, TopologyStack, TurnFleet } from '@tandem/infra';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elb from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';

const app = new App({ outdir: process.env.OUT ?? 'cdk.out' });

const existingVpc = (stack: Stack) =>
  ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'],
    publicSubnetIds: ['subnet-0a', 'subnet-0b', 'subnet-0c'],
    privateSubnetIds: ['subnet-1a', 'subnet-1b', 'subnet-1c'],
  });

// 1. Signaling, and nothing else of ours.
const signalingStack = new Stack(app, 'CompanySignaling');
const vpc = existingVpc(signalingStack);
const cluster = ecs.Cluster.fromClusterAttributes(signalingStack, 'Cluster', { clusterName: 'company', vpc });
const signaling = new SignalingService(signalingStack, 'Signaling', {
  vpc,
  cluster,
  cache: {
    url: 'rediss+cluster://clustercfg.company.abc123.euw1.cache.amazonaws.com:6379',
    secret: secretsmanager.Secret.fromSecretNameV2(signalingStack, 'CacheUser', 'company/cache/signaling'),
  },
  jwksUrl: 'https://login.example.com/.well-known/jwks.json',
  environment: { TOKEN_ISSUER: 'https://login.example.com', TOKEN_AUDIENCE: 'calls' },
  trustedProxies: 1,
});
const balancer = new elb.ApplicationLoadBalancer(signalingStack, 'Balancer', { vpc, internetFacing: true });
balancer
  .addListener('Http', { port: 80, open: false })
  .addTargetGroups('Signaling', { targetGroups: [signaling.createTargetGroup(signalingStack, 'Targets')] });
signaling.connections.allowDefaultPortFrom(balancer, 'WebSockets');
new CfnOutput(signalingStack, 'Connections', { value: signaling.metricConnections().metricName });

// 2. TURN alone. The auth service that exists signs with this secret (JSON, field `sign`).
const turnStack = new TopologyStack(app, 'CompanyTurn');
const turn = new TurnFleet(turnStack, 'Turn', {
  vpc: existingVpc(turnStack),
  secret: secretsmanager.Secret.fromSecretNameV2(turnStack, 'TurnSecret', 'company/turn'),
  realm: 'company.example',
  minNodes: 2,
  maxNodes: 6,
});
new CfnOutput(turnStack, 'Group', { value: turn.autoScalingGroup.autoScalingGroupName });

app.synth();
console.log('CompanySignaling and CompanyTurn written.');
