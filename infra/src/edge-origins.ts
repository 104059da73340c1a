import { check } from './check.ts';
import type { RealtimeService } from './realtime-service.ts';

/** Services that pages open sockets of. Those of browsers say where they come from, and the service judges that (packages/service/src/origin.ts). */
const WITH_SOCKETS: readonly string[] = ['signaling', 'captions'];

/**
 * Behind CloudFront a service with sockets must know the pages' origin: Host is the load balancer's there, so without ALLOWED_ORIGINS every page is refused.
 * @throws Error naming the fix
 */
export function checkOrigins({ serviceName, container }: RealtimeService): void {
  if (!WITH_SOCKETS.includes(serviceName)) return;
  const { environment, secrets } = container.renderContainerDefinition();
  const given = [environment, secrets].flat().find((one) => one && 'name' in one && one.name === 'ALLOWED_ORIGINS');
  const isGiven = given !== undefined && !('value' in given && given.value === '');
  check(
    isGiven,
    'Edge',
    'addService',
    `${serviceName} would refuse every page: CloudFront sends it the load balancer's name as Host`,
    `allowedOrigins: webClient.origin of ${serviceName}, with the WebClient made before it`,
  );
}
