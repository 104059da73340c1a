import { topology } from '../topology/index.ts';

/** Path patterns of these parts, for CloudFront and the load balancer. */
export function patternsOf(...parts: readonly ('auth' | 'signaling' | 'media' | 'captions')[]): string[] {
  return parts.flatMap((part) => topology[part].routes.map((route) => `${route}*`));
}
