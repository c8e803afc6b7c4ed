import { Secrets } from '../../../../lambda/aws/secrets-manager';
import { SecretsServer } from '../../../support/servers/secrets-server';

let server: SecretsServer;
let secrets: Secrets;

beforeEach(async () => {
  server = await SecretsServer.start();
  Object.assign(process.env, server.environment);
  secrets = new Secrets();
});

afterEach(async () => {
  secrets.close();
  await server.stop();
});

test('reads the current value of a secret, or of one field', async () => {
  server.secrets.set('arn', '{"password":"one","other":"two"}');
  expect(await secrets.read('arn')).toBe('{"password":"one","other":"two"}');
  expect(await secrets.read('arn', 'password')).toBe('one');
  server.secrets.set('arn', '{"password":"three"}');
  expect(await secrets.read('arn', 'password')).toBe('three');
});

test.each<[string, string | Buffer, string | undefined, string]>([
  ['bytes', Buffer.from('hidden'), undefined, 'The secret arn is binary, but a text is expected.'],
  ['text that is not JSON', 'hidden', 'password', 'The secret arn is not JSON, but its field "password" is expected.'],
  ['no object', '"hidden"', 'password', 'The secret arn has no text in the field "password".'],
  ['nothing', 'null', 'password', 'The secret arn has no text in the field "password".'],
  ['another field', '{"hidden":"x"}', 'password', 'The secret arn has no text in the field "password".'],
  ['no text in it', '{"password":{"hidden":1}}', 'password', 'The secret arn has no text in the field "password".'],
  ['an inherited field', '{}', 'constructor', 'The secret arn has no text in the field "constructor".'],
])('rejects a secret with %s, without its content', async (_, value, field, message) => {
  server.secrets.set('arn', value);
  await expect(secrets.read('arn', field)).rejects.toThrow(message);
  await expect(secrets.read('arn', field)).rejects.not.toThrow(/hidden/);
});

test('rejects a secret that does not exist', async () => {
  await expect(secrets.read('arn')).rejects.toThrow("can't find the specified secret");
});
