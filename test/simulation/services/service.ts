import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { SNSClient } from '@aws-sdk/client-sns';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { InjectedError } from '../../../lambda/testing';
import type { EnvironmentParts } from '../../../lambda/testing/bench/execution-environment';
import type { FaultPlan } from '../../../lambda/testing/faults/faults';

/** The AWS SDK's number of attempts of a request, as configured in the adapters' clients, and the longest first wait, in milliseconds. */
const ATTEMPTS = 3;
const FIRST_WAIT = 100;

/** The entries of a batch that fail separately. */
export type FailingEntries = FaultPlan['entries'];

/** A simulated AWS service. */
export interface Service {
  /** The name of its requests in faults. */
  readonly name: string;
  /** Returns the number of entries of a batch command, or 0 for any other command. */
  entriesOf(command: object): number;
  /**
   * Runs a command of the AWS SDK as one atomic operation.
   *
   * @throws the error of the SDK if the service rejects the request
   */
  answer(command: object, failing: FailingEntries): object;
}

/** The service rejects the request as invalid. */
export class ValidationException extends Error {
  public override readonly name: string;

  /** @param name the error code of the service */
  constructor(message: string, name = 'ValidationException') {
    super(message);
    this.name = name;
  }
}

/** The part of a client that the adapters use. Each request leaves one environment, so every fault can affect it. */
class SimulatedClient {
  private tokens = 0;

  constructor(
    private readonly service: Service,
    private readonly parts: EnvironmentParts,
  ) {}

  public async send(command: object & { readonly input?: object }): Promise<object> {
    const {
      service,
      parts: { call, clock, random },
    } = this;
    const operation = command.constructor.name.replace(/Command\d*$/, '');
    // The SDK gives a transaction a token, which is equal for all repetitions of the request.
    if (operation === 'TransactWriteItems') {
      Object.assign(command.input ?? {}, { ClientRequestToken: `${random.id()}-${(this.tokens += 1)}` });
    }
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = async (plan: FaultPlan) => service.answer(command, plan.entries);
        return await call(`requests.${service.name}.${operation}`, answer, service.entriesOf(command));
      } catch (thrown) {
        // An answer of the service is final. Only a request without an answer is repeated.
        if (!(thrown instanceof InjectedError) || attempt === ATTEMPTS) throw thrown;
        await clock.sleep(random.next() * FIRST_WAIT * 2 ** (attempt - 1));
      }
    }
  }
}

/** Creates a client of the service for the code in one environment. */
export function clientOf(
  service: Service,
  parts: EnvironmentParts,
): DynamoDBClient & SQSClient & SNSClient & KinesisClient {
  // The adapters use only `send` of a client, and the service answers each of their commands with the output that they read.
  return new SimulatedClient(service, parts) as unknown as DynamoDBClient & SQSClient & SNSClient & KinesisClient;
}
