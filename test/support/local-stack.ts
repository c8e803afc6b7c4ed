import { App, Duration, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { functionDirectory, temporaryDirectory } from './local';
import { startLocal, type Local, type LocalOptions } from '../../lambda/local';

// The templates are not deployed, so validating them would only take time.
process.env.CDK_VALIDATION ??= 'false';

/** Synthesizes a stack, and returns its cloud assembly. */
export function synthesize(build: (stack: Stack) => void): string {
  const app = new App({ outdir: temporaryDirectory(), analyticsReporting: false });
  build(new Stack(app, 'Shop'));
  return app.synth().directory;
}

/** @param code the module, which exports `handler` */
export function addFunction(stack: Stack, code: string, environment: Record<string, string> = {}): lambda.Function {
  return new lambda.Function(stack, 'Function', {
    runtime: lambda.Runtime.NODEJS_22_X,
    handler: 'index.handler',
    code: lambda.Code.fromAsset(functionDirectory(code)),
    timeout: Duration.seconds(2),
    environment,
  });
}

/** Starts stacks, and stops them after each test. */
export function runningStacks(): { start(options: LocalOptions): Promise<Local>; stopAll(): Promise<void> } {
  const running: Local[] = [];
  const stopAll = async () => {
    await Promise.all(running.splice(0).map((local) => local.stop()));
  };
  afterEach(stopAll);
  return {
    stopAll,
    start: async (options) => {
      const local = await startLocal(options);
      running.push(local);
      return local;
    },
  };
}
