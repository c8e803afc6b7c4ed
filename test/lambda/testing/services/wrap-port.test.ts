import { wrapPort } from '../../../../lambda/testing/services/wrap-port';

class Port {
  public readonly limit = 3;
  private readonly secret = 'own';

  public async read(key: string): Promise<string> {
    return `${this.secret} ${key}`;
  }

  public async write(key: string): Promise<string> {
    return `wrote ${key}`;
  }

  public readBack?(key: string): Promise<string>;
}

describe('wrapPort', () => {
  test('reads properties through, replaces methods, and runs around the others', async () => {
    const calls: string[] = [];
    const port = wrapPort(new Port(), { write: async (key) => `replaced ${key}` }, (method, call) => {
      calls.push(method);
      return call();
    });
    expect([port.limit, port.readBack]).toEqual([3, undefined]);
    expect([await port.read('a'), await port.write('b')]).toEqual(['own a', 'replaced b']);
    expect(calls).toEqual(['read']);
  });

  test('calls the port directly by default', async () => {
    expect(await wrapPort(new Port(), {}).read('a')).toBe('own a');
  });
});
