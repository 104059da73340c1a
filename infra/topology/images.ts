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
] as const;
export type ImageName = (typeof IMAGES)[number];
