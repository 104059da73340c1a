/** Names of what the node measures. */
export function turnMetrics(values: {
  allocations: number;
  load: number | undefined;
  mbps: number;
  serving: number;
  /** It drains, and its instance stays in service: for an update, or for its first certificate. */
  draining: number;
}): Record<string, number | undefined> {
  return {
    turn_allocations: values.allocations,
    turn_load: values.load,
    turn_mbps: values.mbps,
    turn_serving: values.serving,
    turn_draining: values.draining,
  };
}
