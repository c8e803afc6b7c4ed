import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** AWS Secrets Manager, as far as `GetSecretValue` goes, on loopback: it speaks the protocol of the service. */
export class SecretsServer {
  public static async start(): Promise<SecretsServer> {
    const server = new SecretsServer();
    await new Promise<void>((resolve) => server.server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  /** The secrets by their ids: a text, or bytes. */
  public readonly secrets = new Map<string, string | Buffer>();
  /** The ids that were asked for. */
  public readonly requests: string[] = [];
  private readonly server: Server = createServer((request, response) => void this.handle(request, response));

  /** What leads the AWS clients here. */
  public get environment(): Readonly<Record<string, string>> {
    // A listening TCP server has an address with a port.
    const { port } = this.server.address() as AddressInfo;
    return {
      AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${port}`, AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y',
    };
  }

  public async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(body));
    };
    if (request.headers['x-amz-target'] !== 'secretsmanager.GetSecretValue') return answer(400, { __type: 'UnknownOperationException' });
    const { SecretId: id } = JSON.parse(Buffer.concat(chunks).toString()) as { readonly SecretId: string };
    this.requests.push(id);
    const secret = this.secrets.get(id);
    if (secret === undefined) return answer(400, { __type: 'ResourceNotFoundException', message: 'Secrets Manager can\'t find the specified secret.' });
    return answer(200, { ARN: id, ...typeof secret === 'string' ? { SecretString: secret } : { SecretBinary: secret.toString('base64') } });
  }
}
