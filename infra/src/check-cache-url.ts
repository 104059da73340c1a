import { Token } from 'aws-cdk-lib';
import { check, checkGiven } from './check.ts';

/**
 * A URL that packages/service/src/redis.ts connects to; one with parts that only the deployment knows passes.
 * @throws Error naming the property; the credentials of the URL are left out
 */
export function checkCacheUrl(construct: string, prop: string, url: string): void {
  checkGiven(`${construct}.${prop}`, { url }, 'url');
  check(
    Token.isUnresolved(url) || /^rediss?(\+sentinel|\+cluster)?:\/\/[^/\s]+(\/\S*)?$/.test(url),
    construct,
    prop,
    `"${url.replace(/\/\/[^@/]*@/, '//…@')}" is no cache that the services reach`,
    'redis[s][+sentinel|+cluster]://host:port',
  );
}
