import type { IncomingMessage } from 'node:http';
import { ServiceServer, type Answer } from './service-server';

/** A server for `GetSecretValue` of AWS Secrets Manager: implements the protocol of the service. */
export class SecretsServer extends ServiceServer {
  /** The secrets by id: text or bytes. */
  public readonly secrets = new Map<string, string | Buffer>();
  /** The ids of all requests. */
  public readonly requests: string[] = [];

  /** The environment variables that direct AWS clients to this server. */
  public get environment(): Readonly<Record<string, string>> {
    return {
      AWS_ENDPOINT_URL_SECRETS_MANAGER: this.endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'y',
    };
  }

  protected answer(request: IncomingMessage, sent: Buffer): Answer | undefined {
    if (request.headers['x-amz-target'] !== 'secretsmanager.GetSecretValue') {
      return [400, { __type: 'UnknownOperationException' }];
    }
    const { SecretId: id } = JSON.parse(sent.toString()) as { readonly SecretId: string };
    this.requests.push(id);
    const secret = this.secrets.get(id);
    if (secret === undefined) {
      return [
        400,
        { __type: 'ResourceNotFoundException', message: "Secrets Manager can't find the specified secret." },
      ];
    }
    return [
      200,
      {
        ARN: id,
        ...(typeof secret === 'string' ? { SecretString: secret } : { SecretBinary: secret.toString('base64') }),
      },
    ];
  }
}
