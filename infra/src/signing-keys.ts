import { RemovalPolicy, SecretValue } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { check } from './check.ts';
import { checkProps } from './check-props.ts';

/** Properties of {@link SigningKeys}. */
export interface SigningKeysProps {
  /**
   * Sign in the auth tasks, with keys in a secret that KMS encrypts, in place of a request to KMS for each token. Costs nothing a
   * token and knows no quota; the price is a private key in the tasks' memory, for 30 days each
   * (docs/decisions/0014-signing-in-process.md).
   * @default false
   */
  readonly inProcess?: boolean;
  /**
   * A key that exists already: asymmetric, ECC_NIST_P256, SIGN_VERIFY; with `inProcess` a symmetric one that encrypts the secret.
   * @default - a new one
   */
  readonly key?: kms.IKey;
  /**
   * Keys of before, still published so that their tokens stay valid, and keys of the future, published before they sign. Not with
   * `inProcess`, where auth rotates and publishes by itself.
   * @default - none
   */
  readonly otherKeys?: kms.IKey[];
  /**
   * What happens to the key when the stack goes. KMS waits 30 days before it deletes.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * The keys that sign access tokens (ES256). By default one in KMS that never leaves it: auth asks KMS to sign. With `inProcess` auth
 * signs itself, with keys that it makes and rotates in a secret. The public half is at `/.well-known/jwks.json`.
 */
export class SigningKeys extends Construct {
  /** The key that signs; with `inProcess` the one that encrypts the secret. */
  readonly key: kms.IKey;
  /** The secret that holds the signing keys; undefined while KMS signs. */
  readonly secret?: secretsmanager.ISecret;
  private readonly others: kms.IKey[];
  /** Value of auth's `KEY_SOURCE`. */
  readonly keySource: string;

  constructor(scope: Construct, id: string, props: SigningKeysProps = {}) {
    super(scope, id);
    checkProps('SigningKeys', 'SigningKeysProps', props);
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    this.others = props.otherKeys ?? [];
    check(
      !props.inProcess || this.others.length === 0,
      'SigningKeys',
      'otherKeys',
      'with inProcess auth publishes the keys of before by itself',
      'leave otherKeys out',
    );
    this.key = props.key ?? new kms.Key(this, 'Key', { ...keyProps(props.inProcess ?? false), removalPolicy });
    if (props.inProcess) {
      this.secret = new secretsmanager.Secret(this, 'Secret', {
        description: 'Signs access tokens; auth writes and rotates it',
        encryptionKey: this.key,
        // Empty for auth, which writes the first key; CloudFormation never writes it again.
        secretStringValue: SecretValue.unsafePlainText('{}'),
        removalPolicy,
      });
      acknowledge(this.secret, {
        'AwsSolutions-SMG4': 'auth rotates the keys in it every 30 days (KEY_ROTATION_DAYS).',
      });
      this.keySource = `secrets-manager:${this.secret.secretArn}`;
    } else this.keySource = `kms:${[this.key, ...this.others].map((key) => key.keyArn).join(',')}`;
  }

  /** Let `grantee` sign and read the public key; nothing else. */
  grantSign(grantee: iam.IGrantable): iam.Grant {
    if (this.secret) {
      // What reading and writing a secret need of its key (Secrets Manager guide, "Permissions for the KMS key").
      this.key.grant(grantee, 'kms:Decrypt', 'kms:GenerateDataKey');
      return iam.Grant.addToPrincipal({
        grantee,
        actions: ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'],
        resourceArns: [this.secret.secretArn],
      });
    }
    for (const key of this.others) key.grant(grantee, 'kms:GetPublicKey');
    return this.key.grant(grantee, 'kms:Sign', 'kms:GetPublicKey');
  }
}

function keyProps(inProcess: boolean): kms.KeyProps {
  return inProcess
    ? { description: 'Encrypts the keys that sign access tokens', enableKeyRotation: true }
    : {
        description: 'Signs access tokens (ES256)',
        keySpec: kms.KeySpec.ECC_NIST_P256,
        keyUsage: kms.KeyUsage.SIGN_VERIFY,
      };
}
