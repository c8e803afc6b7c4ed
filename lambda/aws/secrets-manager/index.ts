import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CLIENT_OPTIONS } from '../client-options';
import { MissingPackageError } from '../missing-package';
import { prepareClient } from '../prepare-client';

/** Reads secrets from AWS Secrets Manager. The client is loaded when the first secret is read. */
export class Secrets {
  private client?: SecretsManagerClient;

  /**
   * Reads the current value of a secret.
   *
   * @param field the field of the secret, if the secret is a JSON object
   * @throws Error that states the problem without the content of the secret
   */
  public async read(secretId: string, field?: string): Promise<string> {
    const { GetSecretValueCommand, SecretsManagerClient } = await load();
    this.client ??= prepareClient(new SecretsManagerClient(CLIENT_OPTIONS));
    const { SecretString: text } = await this.client.send(new GetSecretValueCommand({ SecretId: secretId }));
    if (text === undefined) throw new Error(`The secret ${secretId} is binary, but a text is expected.`);
    return field === undefined ? text : fieldOf(text, field, secretId);
  }

  /** Closes the connections. */
  public close(): void {
    this.client?.destroy();
  }
}

function fieldOf(text: string, field: string, secretId: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`The secret ${secretId} is not JSON, but its field "${field}" is expected.`);
  }
  const fields = new Map<string, unknown>(Object.entries(Object(value)));
  const found = fields.get(field);
  if (typeof found !== 'string' || found === '') {
    throw new Error(`The secret ${secretId} has no text in the field "${field}".`);
  }
  return found;
}

/** A bundler accepts a missing package if the code handles the failure, so workflows without a secret do not need the package. */
async function load(): Promise<typeof import('@aws-sdk/client-secrets-manager')> {
  try {
    return await import('@aws-sdk/client-secrets-manager');
  } catch (thrown) {
    throw new MissingPackageError('@aws-sdk/client-secrets-manager', 'A password in AWS Secrets Manager', thrown);
  }
}
