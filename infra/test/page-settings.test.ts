/** What the page reads from config.json is what the construct was given, and what the page would leave out is refused at synth. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnParameter, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { readRuntimeConfig } from '../../apps/client/src/config.ts';
import { buildTopology } from '../src/app-stack.ts';
import { checkPageSettings } from '../src/check-page-settings.ts';
import { WebClient, type WebClientProps } from '../src/index.ts';
import { clientBuild } from './synth.ts';

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'page-settings-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

/** config.json as it is copied into the bucket. */
function published(app: App): unknown {
  const { directory } = app.synth();
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.startsWith('asset.') && file.endsWith('/config.json'),
  );
  // The client's own file is left out, so there is one.
  expect(files).toHaveLength(1);
  return JSON.parse(readFileSync(join(directory, files[0] ?? ''), 'utf8'));
}

test('numbers, booleans, lists and nested objects arrive as they are', () => {
  const app = new App({ outdir: join(folder(), 'cdk.out') });
  const stack = new Stack(app, 'Pages', { env: { region: 'eu-west-1' } });
  const config = {
    ...{ traceSampling: 0.5, reportSampling: 0.25, iceTransportPolicy: 'relay', authUrl: 'https://auth.example.com' },
    ...{
      features: { chat: false, screen: true },
      languages: ['de', 'en'],
      branding: { name: 'Call', links: [{ text: 'Home', href: '/' }] },
    },
    nothing: null,
  };
  new WebClient(stack, 'Web', { clientBuild: clientBuild(folder()), config });
  const file = published(app);
  expect(file).toEqual({ signalingUrl: '', region: 'eu-west-1', ...config });
  const told: string[] = [];
  expect(readRuntimeConfig(file, (line) => told.push(line))).toMatchObject({
    traceSampling: 0.5,
    reportSampling: 0.25,
  });
  expect(told).toEqual([]);
});

test('the manifest has the name of the deployment, and a name that only the deployment knows is in no function', () => {
  const build = clientBuild(folder());
  writeFileSync(join(build, 'manifest.webmanifest'), '{"name":"Tandem","short_name":"Tandem","display":"standalone"}');
  const make = (branding: object) => {
    const app = new App({ outdir: join(folder(), 'cdk.out') });
    const stack = new Stack(app, 'Pages', { env: { region: 'eu-west-1' } });
    const name = new CfnParameter(stack, 'Name').valueAsString;
    new WebClient(stack, 'Web', { clientBuild: build, config: { branding: { name, ...branding } } });
    const { directory } = app.synth();
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('/manifest.webmanifest'),
    );
    const [fn] = Object.values(Template.fromStack(stack).findResources('AWS::CloudFront::Function'));
    return {
      manifests: files.map((file) => readFileSync(join(directory, file), 'utf8')),
      code: fn?.Properties.FunctionCode,
    };
  };
  const known = make({ name: 'Klinik' });
  expect(known.manifests.map((text) => JSON.parse(text))).toEqual([
    { name: 'Klinik', short_name: 'Klinik', display: 'standalone' },
  ]);
  expect(known.code).toContain('"name":"Klinik"');
  // Text: what only the deployment knows would be a Fn::Join.
  expect(make({}).code).toContain('"name":""');
});

test.each([
  [undefined, "frame-ancestors 'none'", { FrameOption: 'DENY', Override: true }],
  [
    ['https://clinic.example.org', 'http://localhost:5173'],
    'frame-ancestors https://clinic.example.org http://localhost:5173',
    undefined,
  ],
])('CloudFront says who may frame the pages: %o', (embedOrigins, ancestors, frameOptions) => {
  const stack = new Stack(new App({ outdir: join(folder(), 'cdk.out') }), 'Pages', { env: { region: 'eu-west-1' } });
  new WebClient(stack, 'Web', {
    clientBuild: clientBuild(folder()),
    ...(embedOrigins ? { config: { embedOrigins } } : {}),
  });
  const [policy] = Object.values(Template.fromStack(stack).findResources('AWS::CloudFront::ResponseHeadersPolicy'));
  const security = policy?.Properties.ResponseHeadersPolicyConfig.SecurityHeadersConfig;
  const csp: string = security.ContentSecurityPolicy.ContentSecurityPolicy;
  expect(csp.split('; ').filter((rule) => rule.startsWith('frame-ancestors'))).toEqual([ancestors]);
  expect(csp).toContain('sha256-');
  expect(security.FrameOptions).toEqual(frameOptions);
});

test('who may frame the pages has to be known at synth', () => {
  const stack = new Stack();
  const parameter = new CfnParameter(stack, 'Origin');
  const config = { embedOrigins: [parameter.valueAsString] };
  expect(() => new WebClient(stack, 'Web', { config })).toThrow(/embedOrigins is known at deployment only/);
});

const make = (config: unknown) => new WebClient(new Stack(), 'Web', { config } as WebClientProps);

test.each([
  [{ traceSampling: 2 }, /WebClient\.config: config\.json: traceSampling cannot be used.*Fix: /],
  [{ reportSampling: 'lots' }, /reportSampling cannot be used/],
  [{ iceTransportPolicy: true }, /iceTransportPolicy cannot be used/],
  [{ signalingUrl: 'calls.example.com' }, /signalingUrl cannot be used/],
  [{ signallingUrl: 'wss://calls.example.com' }, /signallingUrl is no setting of the page. Fix: signalingUrl/],
  [{ branding: { name: () => 1 } }, /branding is no JSON value/],
  [{ limit: Number.NaN }, /limit is no JSON value/],
  [{ big: 1n }, /big is no JSON value/],
  [{ embedOrigins: ['*'] }, /embedOrigins cannot be used/],
  [['signalingUrl'], /WebClient\.config: it is no object/],
  ['{}', /it is no object/],
])('%o is refused by name', (config, message) => {
  expect(() => make(config)).toThrow(message);
});

test('a value that only the deployment knows is not judged', () => {
  const stack = new Stack();
  const parameter = new CfnParameter(stack, 'Name');
  const config = { signalingUrl: `wss://${parameter.valueAsString}`, branding: { name: parameter.valueAsString } };
  expect(() => new WebClient(stack, 'Web', { config })).not.toThrow();
});

test('of the page’s own settings exactly those pass that it takes as they are', () => {
  const names = ['signalingUrl', 'authUrl', 'iceTransportPolicy', 'traceSampling', 'region', 'reportSampling'];
  const value = fc.oneof(fc.jsonValue(), fc.webUrl(), fc.constantFrom('all', 'relay', '', 'eu-west-1', 0.5, '0.5'));
  fc.assert(
    fc.property(fc.constantFrom(...names), value, (name, given) => {
      const config = JSON.parse(JSON.stringify({ [name]: given }));
      const told: string[] = [];
      readRuntimeConfig(config, (line) => told.push(line));
      if (told.length > 0) expect(() => checkPageSettings('WebClient', 'config', config)).toThrow(name);
      else expect(() => checkPageSettings('WebClient', 'config', config)).not.toThrow();
    }),
    { numRuns: 200 },
  );
});

test('context: JSON on the command line, an object in cdk.context.json, anything else refused', () => {
  const context = (clientConfig: unknown) =>
    buildTopology(
      new App({ context: { profile: 'development', clientConfig }, outdir: join(folder(), 'out') }),
      undefined,
    );
  expect(() => context('{"traceSampling":7}')).toThrow(/traceSampling cannot be used/);
  expect(() => context({ traceSampling: 7 })).toThrow(/traceSampling cannot be used/);
  for (const wrong of ['nonsense', '[]', '5', ['a']])
    expect(() => context(wrong)).toThrow(/context\.clientConfig: it is no JSON object. Fix: -c clientConfig=/);
});
