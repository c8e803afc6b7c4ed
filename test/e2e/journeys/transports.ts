/** The services that carry envelopes. */
export const SERVICES = ['sqs', 'dynamodb', 'kinesis', 'sns'] as const;
export type Service = (typeof SERVICES)[number];

/** The services that a workflow uses. */
export interface Route {
  readonly primary: Service;
  readonly failover: Service;
  readonly retry: Service;
  readonly failoverRetry: Service;
}

/** The order of retry queues. Of any two neighbors, and of the last and the first, one can delay messages, as timeouts require. */
const RETRIES: readonly Service[] = ['sqs', 'kinesis', 'dynamodb', 'sns'];

/** Returns the three routes from a service. Among the routes of all four, each service is the retry queue and the failover retry queue of three. */
export function routesFrom(primary: Service): Route[] {
  const others = SERVICES.filter((service) => service !== primary);
  return others.map((failover, index) => {
    const at = SERVICES.indexOf(primary) + index;
    return { primary, failover, retry: RETRIES[at % 4]!, failoverRetry: RETRIES[(at + 1) % 4]! };
  });
}

/** Returns the name of a route's workflow. */
export function nameOf({ primary, failover }: Route): string {
  return `${primary}-to-${failover}`;
}

/** Whether an envelope can be read back from its place in the service. */
export function canBeReadBack(service: Service): boolean {
  return service === 'kinesis' || service === 'dynamodb';
}

/** Whether the service can delay an envelope. */
export function canDelay(service: Service): boolean {
  return service === 'sqs' || service === 'dynamodb';
}
