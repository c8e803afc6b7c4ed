import type { BrokerClient, BrokerSystem } from './broker';
import { DynamoDb } from './dynamodb';
import { BROKER_NAMES, type BrokerName } from '../contract/brokers';
import { createHttpHandler } from './dynamodb/http-handler';

/**
 * Opens the client of each broker. Each client is imported dynamically, so that the bundle has a chunk for each service and a function loads
 * only the services that its workflow uses. The client of DynamoDB is the exception: every workflow uses it.
 */
const OPEN = {
  sqs: async (system: BrokerSystem) => new (await import('./sqs/index.js')).Sqs(system),
  kinesis: async (system: BrokerSystem) =>
    new (await import('./kinesis/index.js')).Kinesis(system, createHttpHandler()),
  sns: async () => new (await import('./sns/index.js')).Sns(),
  dynamodb: async (system: BrokerSystem) => new DynamoDb(system),
} satisfies { readonly [B in BrokerName]: (system: BrokerSystem) => Promise<BrokerClient<B>> };

/** The clients of the brokers. Each function opens its client on the first call. */
export type BrokerClients = { readonly [B in BrokerName]: () => Promise<BrokerClient<B>> };

/** The clients of the brokers with their own types: some serve a workflow in more ways than as brokers. */
type ServiceClients = { readonly [B in BrokerName]: () => ReturnType<(typeof OPEN)[B]> };

/** @param lazy returns a function that opens a client on the first call */
export function lazyBrokers(
  system: BrokerSystem,
  lazy: (open: () => Promise<{ close(): void }>) => () => Promise<unknown>,
): ServiceClients & BrokerClients {
  const entries = BROKER_NAMES.map((name) => [name, lazy(() => OPEN[name](system))]);
  // Each name has the function that opens its own client.
  return Object.fromEntries(entries) as ServiceClients & BrokerClients;
}
