/** Shapes of settings. Loads TypeBox alone, so that code that only reads configuration schemas (infra) loads nothing else. */
import Type, { type TSchema, type TStringOptions } from 'typebox';

/** What TypeBox knows of a text, and for a refusal what was expected: "a comma-separated list of a, b". */
interface TextOptions extends TStringOptions {
  readonly expected: string;
  readonly description: string;
}

/** A text that a function judges, where a pattern cannot; at start and at synth alike. Its refusal is `NAME: expected …`. */
export const checkedText = (isGood: (text: string) => boolean, options: TextOptions) =>
  Type.Refine(Type.String(options), isGood);

/** @returns the parts of a comma-separated list, without empty ones */
export const readList = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);

/** A comma-separated list, each part of which a function judges. */
export const listText = (isPart: (part: string) => boolean, options: TextOptions) =>
  checkedText((text) => readList(text).every(isPart), options);

/** @param protocols with their colon, such as `https:` */
export const isUrl = (text: string, ...protocols: string[]): boolean =>
  URL.canParse(text) && protocols.includes(new URL(text).protocol);

/** An address of a service: `http:` or `https:`. */
export const httpUrl = (description: string) =>
  checkedText((text) => isUrl(text, 'http:', 'https:'), {
    expected: 'an address such as https://auth.example.com',
    description,
  });

/** Whether a text is what a browser, or the web view of an app with a scheme of its own (`capacitor://localhost`), sends as `Origin`. */
export function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { origin, protocol, host } = new URL(text);
  return host !== '' && text === (origin === 'null' ? `${protocol}//${host}` : origin);
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];
export const LogLevel = checkedText((text) => LEVELS.includes(text), {
  default: 'info',
  expected: `one of ${LEVELS.join(', ')}`,
  description: 'pino level.',
});

/** Settings of telemetry, to spread into a service's own schema. Names are OpenTelemetry's. */
export const TelemetrySettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(
    httpUrl('Collector, OTLP over HTTP, e.g. http://collector:4318. Unset: nothing is sent.'),
  ),
  OTEL_EXPORTER_OTLP_HEADERS: Type.Optional(
    Type.String({ description: 'Headers for the collector, name=value, comma-separated.', secret: true }),
  ),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({
    default: 0.01,
    minimum: 0,
    maximum: 1,
    description: 'Share of traces that start here and are recorded. A sampled parent is always followed.',
  }),
};

/** "expected a or b": what a setting takes, as far as its schema says, else its description. */
export function expectation(setting: TSchema): string {
  const { expected, description, ...shape } = setting as SettingShape;
  const choices = shape.enum ?? shape.anyOf?.map((one) => one.const);
  if (choices) return `expected one of ${choices.join(', ')}`;
  return expected === undefined ? `is not this setting: ${description}` : `expected ${expected}`;
}

interface SettingShape {
  readonly expected?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly { readonly const?: string }[];
}
