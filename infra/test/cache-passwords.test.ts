/** A rotation of the cache password: the one that running tasks hold stays valid until the next. */
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { expect, test } from 'vitest';
import { SessionCache, TopologyStack } from '../src/index.ts';

/** What the template of this generation hands out, accepts, and makes. */
function templateOf(passwordGeneration: number) {
  const stack = new TopologyStack(new App(), 'Rotation');
  const vpc = new ec2.Vpc(stack, 'Vpc', {
    subnetConfiguration: [{ name: 'i', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
  });
  const cache = new SessionCache(stack, 'Cache', { vpc });
  const access = cache.addUser('App', { userName: 'app', accessString: 'on ~app:* +@all', passwordGeneration });
  const given: string = stack.resolve(access.secret?.secretArn).Ref;
  const template = Template.fromStack(stack);
  const secrets = template.findResources('AWS::SecretsManager::Secret');
  const [user] = Object.values(template.findResources('AWS::ElastiCache::User'));
  const references: unknown[] = user?.Properties.AuthenticationMode.Passwords;
  const accepted = references.map((one) => Object.keys(secrets).find((id) => JSON.stringify(one).includes(`"${id}"`)));
  return { given, accepted, secrets, user: JSON.stringify({ ...user?.Properties, AuthenticationMode: undefined }) };
}

test('the new password is handed out and accepted, the one before is accepted and not made anew', () => {
  const [first, second, third] = [templateOf(1), templateOf(2), templateOf(3)];
  expect(first.accepted).toEqual([first.given]);
  expect(second.accepted).toEqual([second.given, first.given]);
  expect(third.accepted).toEqual([third.given, second.given]);
  expect(new Set([first.given, second.given, third.given]).size).toBe(3);
  // CloudFormation generates the text of a secret anew when its GenerateSecretString or its logical id changes.
  expect(second.secrets[first.given]).toEqual(first.secrets[first.given]);
  expect(third.secrets[second.given]).toEqual(second.secrets[second.given]);
  // A change of anything else would replace the user, and both passwords with it.
  expect(new Set([first.user, second.user, third.user]).size).toBe(1);
});
