/** Who may do what with the keys that sign, in KMS and in process. */
import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { expect, test } from 'vitest';
import { SigningKeys, type SigningKeysProps } from '../src/signing-keys.ts';

function stackWith(props: SigningKeysProps) {
  const stack = new Stack(new App(), 'Keys');
  const role = new iam.Role(stack, 'Auth', { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') });
  const keys = new SigningKeys(stack, 'SigningKeys', props);
  keys.grantSign(role);
  return { keys, stack, template: Template.fromStack(stack) };
}

/** Actions that the role has, whatever the resource. */
const actions = (template: Template): string[] =>
  Object.values(template.findResources('AWS::IAM::Policy'))
    .flatMap((one) => one.Properties.PolicyDocument.Statement)
    .flatMap((statement: { Action: string | string[] }) => statement.Action)
    .sort();

test('KMS signs by default: an asymmetric key, and no more than Sign and GetPublicKey', () => {
  const { keys, template } = stackWith({});
  template.hasResourceProperties('AWS::KMS::Key', { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
  template.resourceCountIs('AWS::SecretsManager::Secret', 0);
  expect(actions(template)).toEqual(['kms:GetPublicKey', 'kms:Sign']);
  expect(keys.keySource).toMatch(/^kms:/);
});

test('in process: an empty secret under a symmetric key that rotates; auth may read and write that one', () => {
  const { keys, stack, template } = stackWith({ inProcess: true });
  template.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true, KeySpec: Match.absent() });
  // What apps/auth takes for "no key yet" (keys/secrets-manager.ts); anything else it would refuse to parse.
  template.hasResourceProperties('AWS::SecretsManager::Secret', { SecretString: '{}' });
  expect(actions(template)).toEqual(
    expect.arrayContaining(['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue', 'kms:Decrypt']),
  );
  expect(actions(template)).not.toContain('kms:Sign');
  const [source] = stack.resolve(keys.keySource)['Fn::Join'][1];
  expect(source).toBe('secrets-manager:');
  const other = kms.Key.fromKeyArn(new Stack(new App(), 'Other'), 'Key', 'arn:aws:kms:eu-west-1:111122223333:key/a');
  expect(() => stackWith({ inProcess: true, otherKeys: [other] })).toThrow(
    /SigningKeys.otherKeys: .*leave otherKeys out/,
  );
});
