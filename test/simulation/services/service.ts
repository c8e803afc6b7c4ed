import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { SNSClient } from '@aws-sdk/client-sns';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { InjectedError, type EnvironmentParts, type FaultPlan } from '../../../lambda/testing';

/** How often the AWS SDK makes a request before it gives up, as the clients of the adapters are told, and the bound of its first wait. */
const ATTEMPTS = 3;
const FIRST_WAIT = 100;

/** The entries of a batch that are to fail, each by itself. */
export type FailingEntries = FaultPlan['entries'];

/** What answers the requests of one AWS service. */
export interface Service {
  /** As requests to it are called in the names of faults. */
  readonly name: string;
  /** How many entries the command has, if it is a batch, otherwise 0. */
  entriesOf(command: object): number;
  /**
   * Does at once what a command of the AWS SDK asks for, as one atomic operation.
   *
   * @throws as the SDK does when the service refuses
   */
  answer(command: object, failing: FailingEntries): object;
}

/** The service finds the request itself at fault. */
export class ValidationException extends Error {
  public override readonly name: string;

  /** @param name by which the service calls what is wrong */
  constructor(message: string, name = 'ValidationException') {
    super(message);
    this.name = name;
  }
}

/** All that the adapters use of a client: whatever it is asked goes out of one environment, where every fault can hit it. */
class SimulatedClient {
  private tokens = 0;

  constructor(private readonly service: Service, private readonly parts: EnvironmentParts) {}

  public async send(command: object & { readonly input?: object }): Promise<object> {
    const { service, parts: { call, clock, random } } = this;
    const operation = command.constructor.name.replace(/Command\d*$/, '');
    // The SDK gives a transaction a token of its own, the same each time that it makes the request.
    if (operation === 'TransactWriteItems') Object.assign(command.input ?? {}, { ClientRequestToken: `${random.id()}-${this.tokens += 1}` });
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = async (plan: FaultPlan) => service.answer(command, plan.entries);
        return await call(`requests.${service.name}.${operation}`, answer, service.entriesOf(command));
      } catch (thrown) {
        // What the service says stands; only when it does not answer is it asked again.
        if (!(thrown instanceof InjectedError) || attempt === ATTEMPTS) throw thrown;
        await clock.sleep(random.next() * FIRST_WAIT * 2 ** (attempt - 1));
      }
    }
  }
}

/** A client of the service, as code in one environment has it. */
export function clientOf(service: Service, parts: EnvironmentParts): DynamoDBClient & SQSClient & SNSClient & KinesisClient {
  // The adapters use nothing of a client but `send`, and the service answers each of their commands with what they read of its output.
  return new SimulatedClient(service, parts) as unknown as DynamoDBClient & SQSClient & SNSClient & KinesisClient;
}
