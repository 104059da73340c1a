/**
 * How long an HTTP server keeps a connection that its proxy may use again, ms: longer than any proxy in front keeps it, so that the proxy is the one that ends it. The other
 * way round a request meets the end of its connection now and then, and its caller gets a 502 (Elastic Load Balancing guide, "Edit attributes for your Application Load
 * Balancer"). The longest is that of an ALB: its idle timeout is 4,000 s at most, whatever someone sets it to. Caddy's is 2 minutes (reverse_proxy, `keepalive`), nginx's 60 s.
 */
export const KEEP_ALIVE_MS = 4_010_000;
