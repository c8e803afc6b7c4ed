/**
 * What every AWS client of a workflow is made with.
 *
 * A request that hangs must not eat the invocation: a healthy service answers within milliseconds, so after three seconds the
 * answer is given up and the request is tried once more. Three attempts take ten seconds at worst, a third of the function's
 * default timeout, which leaves time for the failover. Connections are kept alive (the default of the SDK).
 *
 * Region, credentials and endpoints come from the environment, as with any AWS client; `AWS_ENDPOINT_URL_DYNAMODB` and its like
 * send the requests elsewhere.
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
 * The same for services that are only told how the workflow does: nobody waits for them long, and what they do not take is lost. The second
 * attempt is for a connection that has broken while the invocation environment slept.
 */
export const MONITORING_CLIENT_OPTIONS = {
  maxAttempts: 2,
  requestHandler: {
    connectionTimeout: 500,
    requestTimeout: 1_000,
    throwOnRequestTimeout: true,
  },
} as const;
