/** Names of what the node measures. */
export function turnMetrics(values: {
  allocations: number;
  load: number | undefined;
  mbps: number;
  serving: number;
}): Record<string, number | undefined> {
  return {
    turn_allocations: values.allocations,
    turn_load: values.load,
    turn_mbps: values.mbps,
    turn_serving: values.serving,
  };
}
