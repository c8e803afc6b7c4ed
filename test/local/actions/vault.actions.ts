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
    // What an author writes into the log is his own affair. That it is found shows that all of the output is looked at.
    console.log('said on the output');
    console.error('said on the error output');
    run.logger.debug('said to the logger');
    context.copy = `copy of ${context.secret}`;
    return context.first;
  },
  note: async (context, run) => { context.noted = [run.data ?? null, run.error?.message ?? null]; },
  turn: async (context, run) => {
    if (run.attempt < 2) throw new Error(`The key ${context.secret} does not turn.`);
    return 'turned';
  },
  // The task gets the whole context.
  render: async () => undefined,
  fail: async (context) => {
    const { secret, way } = context;
    switch (way) {
      case 'lines':
        // A message can look like the trace that follows it.
        throw new Error(`no entry\n    at ${secret} (vault.ts:1:1)`);
      case 'text':
        throw secret;
      case 'unknown event':
        // What the compiler would not let through.
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
