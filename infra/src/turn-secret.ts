import { Duration } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge, BASIC_EXECUTION } from './acknowledge.ts';
import { checkProps } from './check-props.ts';
import { ROTATION_CODE } from './turn-secret-rotation.ts';

/** Properties of {@link TurnSecret}. */
export interface TurnSecretProps {
  /**
   * How often it rotates.
   * @default Duration.days(30)
   */
  readonly rotation?: Duration;
  /**
   * How long logs of the rotation are kept.
   * @default ONE_MONTH
   */
  readonly logRetention?: logs.RetentionDays;
}

/**
 * The secret that auth and TURN nodes share, with rotation that breaks no call. JSON: `sign` is what auth signs with, `accept` what
 * nodes take besides. Each rotation makes a new secret that nodes learn one whole period before auth signs with it; and what auth
 * signed with before stays accepted for one more. So neither side ever has to be restarted in step with the other.
 */
export class TurnSecret extends Construct {
  /** The secret. */
  readonly secret: secretsmanager.Secret;

  constructor(scope: Construct, id: string, props: TurnSecretProps = {}) {
    super(scope, id);
    checkProps('TurnSecret', 'TurnSecretProps', props);
    this.secret = new secretsmanager.Secret(this, 'Secret', {
      description: 'Shared by auth (signs) and TURN nodes (accept)',
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ accept: [] }),
        generateStringKey: 'sign',
        excludePunctuation: true,
        passwordLength: 64,
      },
    });
    const rotate = new lambda.Function(this, 'Rotate', {
      description: 'Makes the next TURN secret',
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      handler: 'index.handler',
      code: lambda.Code.fromInline(ROTATION_CODE),
      timeout: Duration.seconds(30),
      memorySize: 128,
      logGroup: new logs.LogGroup(this, 'RotateLogs', {
        retention: props.logRetention ?? logs.RetentionDays.ONE_MONTH,
      }),
    });
    acknowledge(rotate, {
      ...BASIC_EXECUTION,
      'AwsSolutions-IAM5[Resource::*]': 'CDK grants secretsmanager:GetRandomPassword, which knows no resources.',
    });
    this.secret.addRotationSchedule('Rotation', {
      rotationLambda: rotate,
      automaticallyAfter: props.rotation ?? Duration.days(30),
      rotateImmediatelyOnUpdate: false,
    });
  }
}
