/** Every setting of the canary as a scheduled task. Keys are environment variable names. */
import { listText } from '@tandem/service/settings';
import Type, { type Static } from 'typebox';
import { STEPS } from './result.ts';

export const CanaryConfig = Type.Object({
  CANARY_ORIGIN: Type.String({ description: 'Address of the page, such as https://calls.example.com.' }),
  CANARY_API_KEY: Type.Optional(
    Type.String({ description: 'API key of auth, where guests get no token.', secret: true }),
  ),
  CANARY_WITHOUT: listText((one) => (STEPS as readonly string[]).includes(one), {
    default: '',
    expected: `comma-separated steps of: ${STEPS.join(', ')}`,
    description: `Comma-separated steps to leave out, of: ${STEPS.join(', ')}. What needs one of them is left out too.`,
  }),
  CANARY_TIMEOUT_SECONDS: Type.Integer({
    default: 15,
    minimum: 1,
    maximum: 120,
    description: 'Longest wait for one answer.',
  }),
  CANARY_ALARM_TOPIC: Type.Optional(
    Type.String({ description: 'ARN of the SNS topic of the alarms. Unset: the alarm path is not examined.' }),
  ),
  AWS_REGION: Type.Optional(Type.String({ description: 'Region of that topic.' })),
  METRICS_STACK: Type.Optional(
    Type.String({ description: 'Dimension of the metric `canary_passed`; unset: none is written.' }),
  ),
  METRICS_PART: Type.String({ default: 'Canary', description: 'Second dimension: which canary of that stack.' }),
});
export type CanaryConfig = Static<typeof CanaryConfig>;
