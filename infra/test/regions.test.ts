/** Several regions behind one name: it leads to the nearest that answers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CfnGuardValidator } from '@cdklabs/cdk-validator-cfnguard';
import { App, CloudFormationValidatePlugin, Stack, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, onTestFinished, test } from 'vitest';
import { NearestRegion } from '../src/index.ts';
import { FLAGS, PRODUCTION, readFindings, synthesize, synthQuietly } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const shared = 'start.example.com';

test('the shared name answers with the own name of its region, and only while auth answers there', () => {
  const outdir = mkdtempSync(join(tmpdir(), 'tandem-region-'));
  const before = process.exitCode;
  onTestFinished(() => {
    process.exitCode = before;
    rmSync(outdir, { recursive: true, force: true });
  });
  const app = new App({ context: FLAGS, outdir });
  const stack = new Stack(app, 'Region');
  new NearestRegion(stack, 'NearestRegion', {
    domainName: shared,
    regionalDomainName: 'eu.example.com',
    certificate: Certificate.fromCertificateArn(stack, 'Certificate', PRODUCTION.regionalCertificateArn),
    hostedZone: HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName: 'example.com' }),
  });
  Validations.of(app).addPlugins(
    new AwsSolutionsChecks(app),
    new CfnGuardValidator(),
    new CloudFormationValidatePlugin(),
  );
  expect(readFindings(synthQuietly(app))).toEqual([]);
  const template = Template.fromStack(stack);
  template.hasResourceProperties('AWS::Route53::RecordSet', {
    Name: `${shared}.`,
    Region: { Ref: 'AWS::Region' },
    SetIdentifier: { Ref: 'AWS::Region' },
    HealthCheckId: {},
  });
  // An alias answers what its target has: an address for IPv6 where API Gateway gives the name one. API Gateway guide, "IP address types for REST APIs": each of the
  // API and its custom domain name has a choice of its own, and its default is IPv4 alone.
  const records = Object.values<Any>(template.findResources('AWS::Route53::RecordSet')).map((one) => one.Properties);
  expect(records.map((one) => one.Type).sort()).toEqual(['A', 'AAAA']);
  const [first, second] = records.map(({ Type: _, ...rest }) => rest);
  expect(first).toEqual(second);
  for (const type of ['AWS::ApiGateway::RestApi', 'AWS::ApiGateway::DomainName'])
    template.allResourcesProperties(type, { EndpointConfiguration: { IpAddressType: 'dualstack' } });
  template.hasResourceProperties('AWS::Route53::HealthCheck', {
    HealthCheckConfig: {
      Type: 'HTTPS',
      FullyQualifiedDomainName: 'eu.example.com',
      ResourcePath: '/.well-known/jwks.json',
    },
  });
  template.resourceCountIs('AWS::ApiGateway::Method', 2);
  template.allResourcesProperties('AWS::ApiGateway::Method', {
    HttpMethod: 'GET',
    Integration: {
      Type: 'MOCK',
      IntegrationResponses: [
        { ResponseParameters: { 'method.response.header.Location': "'https://eu.example.com/'" }, StatusCode: '302' },
      ],
    },
  });
  template.hasResourceProperties('AWS::ApiGateway::DomainName', {
    DomainName: shared,
    EndpointConfiguration: { Types: ['REGIONAL'] },
    SecurityPolicy: 'TLS_1_2',
  });
});

test('the topology makes it when asked; the page keeps the name of its region', () => {
  const template = Template.fromJSON(
    synthesize({ ...PRODUCTION, sharedDomainName: shared }, { checks: false }).template,
  );
  template.hasResourceProperties('AWS::Route53::RecordSet', { Name: `${shared}.`, Region: { Ref: 'AWS::Region' } });
  // CloudFront takes a name once only, so no page may ask for the shared one.
  template.hasResourceProperties('AWS::CloudFront::Distribution', {
    DistributionConfig: { Aliases: [PRODUCTION.domainName] },
  });
});

test('a name that leads to itself, no name, or no zone is refused', () => {
  const stack = new Stack();
  const certificate = Certificate.fromCertificateArn(stack, 'C', PRODUCTION.regionalCertificateArn);
  const hostedZone = HostedZone.fromHostedZoneAttributes(stack, 'Z', { hostedZoneId: 'Z1', zoneName: 'example.com' });
  const make = (domainName: string) => () =>
    new NearestRegion(stack, domainName, { domainName, regionalDomainName: 'eu.example.com', certificate, hostedZone });
  expect(make('eu.example.com')).toThrow(/^NearestRegion\.regionalDomainName: .*Fix: /);
  expect(make('not a name')).toThrow(/^NearestRegion\.domainName: .*Fix: /);
  expect(() => synthesize({ ...PRODUCTION, sharedDomainName: shared, hostedZoneId: '' }, { checks: false })).toThrow(
    /^WebRtcTopology\.domain\.hostedZone: .*Fix: /,
  );
});
