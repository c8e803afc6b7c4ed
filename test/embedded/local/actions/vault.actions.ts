import { vault } from './vault.machine';
import { implement } from 'cdk-lambda-fsm/runtime';

interface Vault {
  readonly secret: string;
  readonly first: 'open' | 'force' | 'drill';
  readonly way?: 'error' | 'lines' | 'text' | 'unknown event' | 'no JSON' | 'too large' | 'too slow';
  [name: string]: unknown;
}

export default implement.for<Vault>()(vault, {
  choose: async (context, run) => {
    // Users may log anything. The test finds these lines, which proves that it reads all output.
    console.log('said on the output');
    console.error('said on the error output');
    run.logger.debug('said to the logger');
    context.copy = `copy of ${context.secret}`;
    return context.first;
  },
  note: async (context, run) => {
    context.noted = [run.data ?? null, run.error?.message ?? null];
  },
  turn: async (context, run) => {
    if (run.attempt < 2) throw new Error(`The key ${context.secret} does not turn.`);
    return 'turned';
  },
  // The task receives the whole context.
  render: async () => undefined,
  fail: async (context) => {
    const { secret, way } = context;
    switch (way) {
      case 'lines':
        // A message can look like the stack trace after it.
        throw new Error(`no entry\n    at ${secret} (vault.ts:1:1)`);
      case 'text':
        throw secret;
      case 'unknown event':
        // The compiler would reject this.
        return secret as 'opened';
      case 'no JSON':
        context[secret] = new Date();
        return 'opened';
      case 'too large':
        context.large = secret.repeat(100_000);
        return 'opened';
      case 'too slow':
        return new Promise<never>(() => undefined);
      default:
        throw new TypeError(secret);
    }
  },
});
