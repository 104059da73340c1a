/**
 * What our containers are made on, pinned by digest: a deployment of one commit is the same image next year. Renew both now and then
 * (`docker buildx imagetools inspect NAME` prints the digest of an index).
 */

/** Node 24.18.0 on Debian 12, index of all architectures. Compose and tests build on the tag alone. */
export const NODE_IMAGE =
  'node:24-bookworm-slim@sha256:6f7b03f7c2c8e2e784dcf9295400527b9b1270fd37b7e9a7285cf83b6951452d';

/**
 * Machine image of a TURN node's instance, by its versioned public parameter: the same image in every region, next year too. By `recommended`,
 * any deployment could replace every relay, and `cdk diff` would show nothing (aws-cdk #9746). Renew it now and then:
 * `aws ssm get-parameter --name /aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended`.
 */
export const NODE_MACHINE_IMAGE =
  '/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/al2023-ami-ecs-hvm-2023.0.20260922-kernel-6.1-arm64/image_id';

/** https://github.com/aws-observability/aws-otel-collector/releases */
export const COLLECTOR_IMAGE =
  'public.ecr.aws/aws-observability/aws-otel-collector:v0.43.3@sha256:8aa9ea5f67b8d318f7d6af24677e3c70f7098bc0631147cb5fa91addbe980b06';
