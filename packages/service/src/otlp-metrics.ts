/** Shows a prom-client registry to OpenTelemetry, so that `/metrics` and OTLP can never disagree. */
import { type HrTime, ValueType } from '@opentelemetry/api';
import { emptyResource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { MetricObjectWithValues, MetricValue, MetricValueWithName, Registry } from 'prom-client';

/** Cumulative metrics of `registry`, taken at each collection. */
export function registryProducer(registry: Registry): MetricProducer {
  const started = hrTime();
  return {
    async collect() {
      const now = hrTime();
      const metrics: MetricData[] = [];
      for (const metric of (await registry.getMetricsAsJSON()) as unknown as MetricObjectWithValues<
        MetricValue<string>
      >[]) {
        const data = toData(metric, started, now);
        if (data) metrics.push(data);
      }
      return {
        resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope: { name: '@tandem/service' }, metrics }] },
        errors: [],
      };
    },
  };
}

function toData(
  metric: MetricObjectWithValues<MetricValue<string>>,
  startTime: HrTime,
  endTime: HrTime,
): MetricData | undefined {
  const base = {
    descriptor: { name: metric.name, description: metric.help, unit: '', valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  // prom-client gives the kind as text here, though its types say a number.
  const kind = String(metric.type);
  const point = (v: MetricValue<string>): DataPoint<number> => ({
    startTime,
    endTime,
    attributes: attributes(v),
    value: v.value,
  });
  if (kind === 'counter')
    return { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: metric.values.map(point) };
  if (kind === 'gauge') return { ...base, dataPointType: DataPointType.GAUGE, dataPoints: metric.values.map(point) };
  if (kind === 'histogram')
    return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints: histogramPoints(metric, startTime, endTime) };
  return undefined;
}

function attributes(value: MetricValue<string>): Record<string, string> {
  const { le: _le, ...rest } = value.labels as Record<string, unknown>;
  return Object.fromEntries(Object.entries(rest).map(([k, v]) => [k, String(v)]));
}

function histogramPoints(
  metric: MetricObjectWithValues<MetricValue<string>>,
  startTime: HrTime,
  endTime: HrTime,
): DataPoint<Histogram>[] {
  const series = new Map<
    string,
    { attributes: Record<string, string>; le: [number, number][]; sum: number; count: number }
  >();
  for (const value of metric.values as MetricValueWithName<string>[]) {
    const own = attributes(value);
    const key = JSON.stringify(own);
    const entry = series.get(key) ?? { attributes: own, le: [], sum: 0, count: 0 };
    series.set(key, entry);
    if (value.metricName?.endsWith('_sum')) entry.sum = value.value;
    else if (value.metricName?.endsWith('_count')) entry.count = value.value;
    else if ((value.labels as { le?: unknown }).le !== '+Inf')
      entry.le.push([Number((value.labels as { le?: unknown }).le), value.value]);
  }
  return [...series.values()].map(({ attributes, le, sum, count }) => {
    le.sort(([a], [b]) => a - b);
    // Prometheus buckets are cumulative, OpenTelemetry's are not.
    const counts = le.map(([, n], i) => n - (le[i - 1]?.[1] ?? 0));
    counts.push(count - (le.at(-1)?.[1] ?? 0));
    return {
      startTime,
      endTime,
      attributes,
      value: { buckets: { boundaries: le.map(([bound]) => bound), counts }, sum, count },
    };
  });
}

function hrTime(): HrTime {
  const now = Date.now();
  return [Math.floor(now / 1000), (now % 1000) * 1e6];
}
