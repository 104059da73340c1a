/** Apart from telemetry.ts, so that code that only reads configuration schemas (infra) loads nothing else. */
import Type from 'typebox';

/** Settings, to spread into a service's own schema. Names are OpenTelemetry's. */
export const TelemetrySettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(
    Type.String({ description: 'Collector, OTLP over HTTP, e.g. http://collector:4318. Unset: nothing is sent.' }),
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
