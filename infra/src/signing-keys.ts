import { RemovalPolicy } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

/** Properties of {@link SigningKeys}. */
export interface SigningKeysProps {
  /**
   * A key that exists already: asymmetric, ECC_NIST_P256, SIGN_VERIFY.
   * @default - a new one
   */
  readonly key?: kms.IKey;
  /**
   * Keys of before, still published so that their tokens stay valid, and keys of the future, published before they sign.
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
 * The key that signs access tokens (ES256). It is made in KMS and never leaves it; auth asks KMS to sign and publishes the
 * public half at `/.well-known/jwks.json`.
 */
export class SigningKeys extends Construct {
  /** The key. */
  readonly key: kms.IKey;
  private readonly others: kms.IKey[];
  /** Value of auth's `KEY_SOURCE`. */
  readonly keySource: string;

  constructor(scope: Construct, id: string, props: SigningKeysProps = {}) {
    super(scope, id);
    this.key =
      props.key ??
      new kms.Key(this, 'Key', {
        description: 'Signs access tokens (ES256)',
        keySpec: kms.KeySpec.ECC_NIST_P256,
        keyUsage: kms.KeyUsage.SIGN_VERIFY,
        removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
      });
    this.others = props.otherKeys ?? [];
    this.keySource = `kms:${[this.key, ...this.others].map((key) => key.keyArn).join(',')}`;
  }

  /** Let `grantee` sign and read the public key; nothing else. */
  grantSign(grantee: iam.IGrantable): iam.Grant {
    for (const key of this.others) key.grant(grantee, 'kms:GetPublicKey');
    return this.key.grant(grantee, 'kms:Sign', 'kms:GetPublicKey');
  }
}
