/**
 * Images of the cloud, each a target of the Dockerfile: what CDK builds, what a pipeline pushes and deploys by digest. Imports nothing, so that a
 * pipeline can print it before `npm ci`.
 */
export const IMAGES = [
  'auth',
  'signaling',
  'hooks',
  'captions',
  'turn',
  'media',
  'packager',
  'composer',
  'canary',
  'collector',
] as const;
export type ImageName = (typeof IMAGES)[number];
/** Those with a program of ours. The collector is AWS's, as it is: in our registry, so that no other one is asked when a task starts. */
export const BUNDLES = IMAGES.filter((name) => name !== 'collector');
