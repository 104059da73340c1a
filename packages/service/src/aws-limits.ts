/**
 * How long the AWS SDK waits for an endpoint that is silent. Left to itself it waits 5 to 15 minutes without a byte (`getDefaultSocketTimeout` of its
 * clients), for S3 without an end, and tries three times; to connect it waits as long as the kernel. test/house.test.ts finds a client without limits.
 */

/** Of a client whose questions and answers are small. For each try, ms. */
export const AWS_LIMITS = {
  requestHandler: { connectionTimeout: 5000, requestTimeout: 10_000, throwOnRequestTimeout: true },
} as const;

/** Of a client that moves files: they may take long, while bytes come or go. For each try; a connection may wait for one of the SDK's 50, ms. */
export const AWS_FILE_LIMITS = { requestHandler: { connectionTimeout: 15_000, socketTimeout: 30_000 } } as const;
