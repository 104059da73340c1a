import { Duration, Stack } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as targets from 'aws-cdk-lib/aws-route53-targets';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { check, checkDomain } from './check.ts';
import { checkProps } from './check-props.ts';

/** Properties of {@link NearestRegion}. */
export interface NearestRegionProps {
  /** The name that all regions share, such as calls.example.com. */
  readonly domainName: string;
  /** Certificate of `domainName` in the stack's region. */
  readonly certificate: acm.ICertificate;
  /** Zone of `domainName`. */
  readonly hostedZone: route53.IHostedZone;
  /** Name of this region's own page, such as eu.calls.example.com. */
  readonly regionalDomainName: string;
}

/**
 * One of these in each region's stack, and the shared name leads everybody to the nearest region (Route 53 latency records), by a
 * redirect to that region's own name; a region whose auth does not answer is left out. An invitation then carries the region's name, so all of a room meet in one region,
 * wherever they are. CloudFront takes a name once only, hence a redirect and not the page itself.
 */
export class NearestRegion extends Construct {
  /** Answers 302 to everything. */
  readonly api: apigateway.RestApi;

  constructor(scope: Construct, id: string, props: NearestRegionProps) {
    super(scope, id);
    const kind = 'NearestRegion';
    checkProps(kind, 'NearestRegionProps', props);
    checkDomain(kind, 'domainName', props.domainName);
    checkDomain(kind, 'regionalDomainName', props.regionalDomainName);
    check(
      props.domainName !== props.regionalDomainName,
      kind,
      'regionalDomainName',
      'the shared name would redirect to itself',
      `a name of this region, such as eu.${props.domainName}`,
    );
    this.api = new apigateway.RestApi(this, 'Api', {
      description: `Leads ${props.domainName} to ${props.regionalDomainName}`,
      endpointConfiguration: {
        types: [apigateway.EndpointType.REGIONAL],
        ipAddressType: apigateway.IpAddressType.DUAL_STACK,
      },
      disableExecuteApiEndpoint: true,
      cloudWatchRole: false,
      domainName: {
        domainName: props.domainName,
        certificate: props.certificate,
        endpointType: apigateway.EndpointType.REGIONAL,
        securityPolicy: apigateway.SecurityPolicy.TLS_1_2,
      },
      deployOptions: { stageName: 'start', throttlingRateLimit: 1000, throttlingBurstLimit: 2000 },
    });
    // The name has a choice of its own, which CDK's construct of it does not offer.
    const name = this.api.domainName?.node.defaultChild as apigateway.CfnDomainName;
    name.addPropertyOverride('EndpointConfiguration.IpAddressType', apigateway.IpAddressType.DUAL_STACK);
    this.redirectTo(props.regionalDomainName);
    this.latencyRecords(props);
    acknowledge(this, {
      'AwsSolutions-APIG1': 'It redirects; the page behind logs what matters.',
      'AwsSolutions-APIG2': 'Nothing of a request is read.',
      'AwsSolutions-APIG3': 'It answers one constant, throttled; there is nothing to attack.',
      'AwsSolutions-APIG4': 'The way in is public.',
      'AwsSolutions-APIG6': 'It redirects; the page behind logs what matters.',
      'AwsSolutions-COG4': 'The way in is public.',
      'cdk-validator-cfnguard::api_gw_v1_execution_logging_enabled_check': 'It answers one constant.',
      'cdk-validator-cfnguard::api_gw_xray_enabled_check': 'It answers one constant.',
    });
  }

  private redirectTo(name: string): void {
    const redirect = new apigateway.MockIntegration({
      requestTemplates: { 'application/json': '{"statusCode": 302}' },
      integrationResponses: [
        {
          statusCode: '302',
          responseParameters: {
            'method.response.header.Location': `'https://${name}/'`,
            'method.response.header.Cache-Control': "'no-store'",
          },
        },
      ],
    });
    const headers = { 'method.response.header.Location': true, 'method.response.header.Cache-Control': true };
    for (const resource of [this.api.root, this.api.root.addResource('{proxy+}')])
      resource.addMethod('GET', redirect, {
        methodResponses: [{ statusCode: '302', responseParameters: headers }],
      });
  }

  private latencyRecords(props: NearestRegionProps): void {
    const { region } = Stack.of(this);
    const healthCheck = new route53.HealthCheck(this, 'Health', {
      type: route53.HealthCheckType.HTTPS,
      fqdn: props.regionalDomainName,
      port: 443,
      // Asks auth of this region; the page itself is everywhere.
      resourcePath: '/.well-known/jwks.json',
      requestInterval: Duration.seconds(30),
      failureThreshold: 3,
    });
    const record = {
      zone: props.hostedZone,
      recordName: `${props.domainName}.`,
      target: route53.RecordTarget.fromAlias(new targets.ApiGateway(this.api)),
      region,
      setIdentifier: region,
      healthCheck,
    };
    new route53.ARecord(this, 'Record', record);
    // Networks that have nothing but IPv6.
    new route53.AaaaRecord(this, 'RecordV6', record);
  }
}
