/**
 * The options of every AWS client of a workflow.
 *
 * A request that hangs must not use up the invocation. A healthy service responds within milliseconds, so the client abandons a request
 * after three seconds and retries it. Three attempts take at most ten seconds, a third of the function's default timeout, which leaves time
 * for the failover. Connections are kept alive (the default of the SDK).
 *
 * Region, credentials and endpoints come from the environment, as for any AWS client; `AWS_ENDPOINT_URL_DYNAMODB` and its counterparts
 * redirect requests.
 */
export const CLIENT_OPTIONS = {
  maxAttempts: 3,
  requestHandler: {
    connectionTimeout: 1_000,
    requestTimeout: 3_000,
    throwOnRequestTimeout: true,
  },
} as const;

/**
 * The options of clients that only send telemetry. They must not delay the invocation, and the data that the service does not accept is
 * lost. The second attempt is for a connection that broke while the execution environment was frozen.
 */
export const MONITORING_CLIENT_OPTIONS = {
  maxAttempts: 2,
  requestHandler: {
    connectionTimeout: 500,
    requestTimeout: 1_000,
    throwOnRequestTimeout: true,
  },
} as const;
