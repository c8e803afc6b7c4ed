import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { KinesisClient, type KinesisClientConfig } from '@aws-sdk/client-kinesis';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { MappingClients, ResourceClients } from '../brokers/shared/broker';
import type { FaultProxy } from '../servers/fault-proxy';
import type { RunCredentials } from '../servers/run-credentials';
import type { Servers } from '../servers/servers';
import { LOCAL_REGION } from '../template/template';

/** The embedded servers accept any credentials; the proxy accepts those of the run. */
const CLIENT = { region: LOCAL_REGION, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };

/** Creates clients that reach the embedded servers directly. */
export function resourceClients(servers: Servers, proxy: FaultProxy): ResourceClients {
  return {
    dynamodb: new DynamoDBClient({ ...CLIENT, endpoint: servers.dynamodb }),
    kinesis: overHttp1({ ...CLIENT, endpoint: servers.kinesis }),
    sns: new SNSClient({ ...CLIENT, endpoint: servers.sns }),
    sqs: new SQSClient({ ...CLIENT, endpoint: servers.sqs }),
    nameQueue: (path, actualUrl) => proxy.nameQueue(path, actualUrl),
  };
}

/** Creates clients that reach the embedded servers through the proxy, as event source mappings do. */
export function mappingClients(proxy: FaultProxy, credentials: RunCredentials): MappingClients {
  const own = { ...CLIENT, credentials };
  const client = { ...own, endpoint: proxy.endpoint('mapping') };
  return {
    dynamodbStreams: new DynamoDBStreamsClient(client),
    kinesis: overHttp1(client),
    sqs: new SQSClient(client),
    sqsForSns: new SQSClient({ ...own, endpoint: proxy.endpoint('mapping', 'sns') }),
  };
}

/** Returns the environment variables with which any AWS client reaches an endpoint. */
export function clientVariables(
  endpoint: string,
  { accessKeyId, secretAccessKey }: RunCredentials,
): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: LOCAL_REGION,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
}

/** By default, the Kinesis client speaks HTTP/2, which the embedded server does not support. */
function overHttp1(configuration: KinesisClientConfig): KinesisClient {
  return new KinesisClient({ ...configuration, requestHandler: new NodeHttpHandler() });
}
