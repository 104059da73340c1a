/**
 * Every KPI of the service, once: what it means, where the definition comes from, how it is asked of the metrics, and what is
 * promised. docs/kpis.md, the Grafana dashboard and the CloudWatch alarms are made from this list
 * (`node scripts/generate-docs.ts`), so they cannot disagree. Nothing outside is imported, so infra can read it.
 */

export * from './kpi-alarms.ts';
export { KPIS } from './kpi-list.ts';
export * from './kpi-promql.ts';
export * from './kpi-types.ts';
