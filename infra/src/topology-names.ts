import * as route53 from 'aws-cdk-lib/aws-route53';
import * as targets from 'aws-cdk-lib/aws-route53-targets';
import type { Construct } from 'constructs';
import { NearestRegion } from './nearest-region.ts';
import type { DomainProps } from './topology-options.ts';
import type { TurnFleet } from './turn-fleet.ts';
import type { WebClient } from './web-client.ts';

/** What the names point at. */
export interface NameTargets {
  readonly zone: route53.IHostedZone;
  readonly webClient: WebClient;
  readonly turn: TurnFleet;
}

/** The names of the page and of the relays, in your zone. */
export function newNames(scope: Construct, domain: DomainProps, pointsAt: NameTargets): route53.RecordSet[] {
  const { zone, webClient, turn } = pointsAt;
  const of = (recordName: string, target: route53.IAliasRecordTarget): route53.ARecordProps => ({
    zone,
    recordName: `${recordName}.`,
    target: route53.RecordTarget.fromAlias(target),
  });
  const page = of(domain.domainName, new targets.CloudFrontTarget(webClient.distribution));
  const made: route53.RecordSet[] = [
    new route53.ARecord(scope, 'PageName', page),
    // CloudFront answers over IPv6 too; a name without AAAA leaves out networks that have nothing else.
    new route53.AaaaRecord(scope, 'PageNameV6', page),
  ];
  const { tlsLoadBalancer } = turn;
  if (tlsLoadBalancer) {
    const relays = of(`turn.${domain.domainName}`, new targets.LoadBalancerTarget(tlsLoadBalancer));
    made.push(new route53.ARecord(scope, 'TurnAlias', relays));
  }
  if (domain.sharedDomainName)
    new NearestRegion(scope, 'NearestRegion', {
      domainName: domain.sharedDomainName,
      regionalDomainName: domain.domainName,
      certificate: domain.regionalCertificate,
      hostedZone: zone,
    });
  return made;
}
