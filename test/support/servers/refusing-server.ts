import type { IncomingMessage } from 'node:http';
import { ServiceServer, type Answer } from './service-server';

/** Refuses every request to every service, in the JSON protocol of the service. */
export class RefusingServer extends ServiceServer {
  /** Name and message of the error. */
  public refusal: { readonly name: string; readonly message: string } = { name: 'AccessDeniedException', message: '' };
  /** Answers requests in place of the refusal, by the target of the request, such as `DynamoDB_20120810.GetItem`. */
  public readonly answers = new Map<string, object>();

  /** Directs the AWS clients to this server. */
  public get environment(): Readonly<Record<string, string>> {
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'y',
    };
  }

  protected answer(request: IncomingMessage): Answer {
    const answer = this.answers.get(String(request.headers['x-amz-target']));
    if (answer) return [200, answer];
    const { name, message } = this.refusal;
    return [400, { __type: name, message }];
  }
}
