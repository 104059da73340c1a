/** Two topologies in one VPC: Route 53 refuses a second private zone of a name there (API reference, "CreateHostedZone", ConflictingDomainExists). */
import { App } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { expect, test } from 'vitest';
import { checkPrivateDomain } from '../src/check-private-domain.ts';
import { Network, TopologyProfile, TopologyStack, WebRtcTopology } from '../src/index.ts';

const image = ecs.ContainerImage.fromRegistry('example.com/image:1');
const profile = TopologyProfile.DEVELOPMENT;
const images = { authImage: image, signalingImage: image, turnImage: image, canaryImage: image };

test('the second one in a VPC needs a private name of its own, and one in another VPC does not', () => {
  const stack = new TopologyStack(new App(), 'Two', { zones: 2 });
  const { vpc } = new Network(stack, 'Network', { zones: 2, natGateways: 0 });
  new WebRtcTopology(stack, 'First', { profile, ...images, vpc });
  expect(() => new WebRtcTopology(stack, 'Second', { profile, ...images, vpc })).toThrow(
    /WebRtcTopology\.privateDomainName: another topology in this VPC has "tandem\.internal".* Fix: .*second\.internal/,
  );
  const mine = new Network(stack, 'Mine', { zones: 2, natGateways: 0 }).vpc;
  expect(() => checkPrivateDomain(stack, vpc, 'second.internal')).not.toThrow();
  expect(() => checkPrivateDomain(stack, mine, 'tandem.internal')).not.toThrow();
  // A template is made anew in each app.
  expect(() => checkPrivateDomain(new App(), vpc, 'tandem.internal')).not.toThrow();
});
