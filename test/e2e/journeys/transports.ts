/** The services that carry envelopes. */
export const SERVICES = ['sqs', 'dynamodb', 'kinesis', 'sns'] as const;
export type Service = typeof SERVICES[number];

/** The services that a workflow uses. */
export interface Route {
  readonly primary: Service;
  readonly failover: Service;
  readonly retry: Service;
  readonly failoverRetry: Service;
}

/** Any two in a row, and the last and the first: one of them can hold a retry back, as a timeout must be. */
const RETRIES: readonly Service[] = ['sqs', 'kinesis', 'dynamodb', 'sns'];

/** The three routes that begin at a service. Over all four, each service is retry queue and failover retry queue of three. */
export function routesFrom(primary: Service): Route[] {
  const others = SERVICES.filter((service) => service !== primary);
  return others.map((failover, index) => {
    const at = SERVICES.indexOf(primary) + index;
    return { primary, failover, retry: RETRIES[at % 4]!, failoverRetry: RETRIES[(at + 1) % 4]! };
  });
}

/** Of a route's workflow. */
export function nameOf({ primary, failover }: Route): string {
  return `${primary}-to-${failover}`;
}

/** Whether an envelope can be read back from where it was put. */
export function canBeReadBack(service: Service): boolean {
  return service === 'kinesis' || service === 'dynamodb';
}

/** Whether an envelope can be held back. */
export function canDelay(service: Service): boolean {
  return service === 'sqs' || service === 'dynamodb';
}
