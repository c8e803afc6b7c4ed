import type { IncomingMessage } from 'node:http';
import { ServiceServer, type Answer } from './service-server';

/** AWS Secrets Manager, as far as `GetSecretValue` goes, on loopback: it speaks the protocol of the service. */
export class SecretsServer extends ServiceServer {
  /** The secrets by their ids: a text, or bytes. */
  public readonly secrets = new Map<string, string | Buffer>();
  /** The ids that were asked for. */
  public readonly requests: string[] = [];

  /** What leads the AWS clients here. */
  public get environment(): Readonly<Record<string, string>> {
    return { AWS_ENDPOINT_URL_SECRETS_MANAGER: this.endpoint, AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y' };
  }

  protected answer(request: IncomingMessage, sent: Buffer): Answer | undefined {
    if (request.headers['x-amz-target'] !== 'secretsmanager.GetSecretValue') return [400, { __type: 'UnknownOperationException' }];
    const { SecretId: id } = JSON.parse(sent.toString()) as { readonly SecretId: string };
    this.requests.push(id);
    const secret = this.secrets.get(id);
    if (secret === undefined) return [400, { __type: 'ResourceNotFoundException', message: 'Secrets Manager can\'t find the specified secret.' }];
    return [200, { ARN: id, ...typeof secret === 'string' ? { SecretString: secret } : { SecretBinary: secret.toString('base64') } }];
  }
}
