/** Every setting of the composer. Keys are environment variable names. */
import Type, { type Static } from 'typebox';

export const ComposerConfig = Type.Object({
  RECORDINGS: Type.String({
    minLength: 1,
    description: 'Where recordings are kept: the folder or `s3://BUCKET` of signaling and media nodes.',
  }),
  WORK_DIR: Type.String({ default: '/tmp', description: 'Writable folder, with space for twice a recording.' }),
  METRICS_STACK: Type.Optional(
    Type.String({ minLength: 1, description: 'Each run writes its counts for CloudWatch, under this stack.' }),
  ),
  METRICS_PART: Type.String({ default: 'recordings', description: 'Which recordings of that stack.' }),
  KEEP_DAYS: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 36_500,
      description:
        'Recordings that were begun longer ago are removed. Default: never; a bucket may have a lifecycle for it.',
    }),
  ),
  EVERY_SECONDS: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 86_400,
    description: 'How often it looks for recordings that are over. 0: once, then it ends.',
  }),
});
export type ComposerConfig = Static<typeof ComposerConfig>;
