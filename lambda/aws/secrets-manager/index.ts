import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CLIENT_OPTIONS } from '../client-options';

/** What AWS Secrets Manager does for a workflow. Its client is loaded when a secret is read. */
export class Secrets {
  private client?: SecretsManagerClient;

  /**
   * Reads a secret as it is now.
   *
   * @param field of the secret, if it is a JSON object
   * @throws Error that says what is wrong with the secret, but nothing of what it holds
   */
  public async read(secretId: string, field?: string): Promise<string> {
    const { GetSecretValueCommand, SecretsManagerClient } = await load();
    this.client ??= new SecretsManagerClient(CLIENT_OPTIONS);
    const { SecretString: text } = await this.client.send(new GetSecretValueCommand({ SecretId: secretId }));
    if (text === undefined) throw new Error(`The secret ${secretId} is binary, but a text is expected.`);
    return field === undefined ? text : fieldOf(text, field, secretId);
  }

  /** Closes its connections. */
  public close(): void {
    this.client?.destroy();
  }
}

function fieldOf(text: string, field: string, secretId: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`The secret ${secretId} is no JSON, but its field "${field}" is expected.`);
  }
  const fields = new Map<string, unknown>(Object.entries(Object(value)));
  const found = fields.get(field);
  if (typeof found !== 'string' || found === '') throw new Error(`The secret ${secretId} has no text in the field "${field}".`);
  return found;
}

/** A bundler that does not find the package goes on, since the failure is handled: who needs no secrets needs no package. */
async function load(): Promise<typeof import('@aws-sdk/client-secrets-manager')> {
  try {
    return await import('@aws-sdk/client-secrets-manager');
  } catch (thrown) {
    throw new Error('A password from AWS Secrets Manager needs the package "@aws-sdk/client-secrets-manager", which is not installed.', { cause: thrown });
  }
}
