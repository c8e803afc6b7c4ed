import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';

/** A Lambda function of the stack, ready to be run. */
export interface FunctionDefinition {
  readonly name: string;
  readonly arn: string;
  /** The folder that its code is in. */
  readonly directory: string;
  /** Module and export, for example `index.handler`. */
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly memoryMegabytes: number;
}

/** What one invocation came to, as the service that invoked the function sees it. */
export type InvocationResult =
  | { readonly ok: true; readonly requestId: string; readonly payload: unknown }
  | { readonly ok: false; readonly requestId: string; readonly errorType: string; readonly errorMessage: string };

export interface FunctionOptions {
  /** Most invocations at the same time: ≥ 1. */
  readonly environments: number;
  /** Gets what CloudWatch Logs would get: each line that the function writes to its output, and why an invocation failed. */
  readonly onLine?: (line: string) => void;
}

type Message =
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly requestId: string; readonly payload: string }
  | { readonly type: 'error'; readonly requestId: string; readonly errorType: string; readonly errorMessage: string };

/**
 * A Lambda function with its pool of execution environments.
 *
 * An environment is a worker thread with module instances and environment variables of its own. It is started when an invocation
 * finds none idle and the pool is not full, is used again as long as it lives, and dies like Lambda's: when an invocation exceeds the
 * function's timeout, when the process exits, or on an error that nobody catches. Unlike Lambda's, it is not frozen between invocations.
 */
export class LocalFunction {
  private readonly idle: Environment[] = [];
  private readonly alive = new Set<Environment>();
  private readonly waiting: (() => void)[] = [];
  private running = 0;
  private stopped = false;

  constructor(public readonly definition: FunctionDefinition, private readonly options: FunctionOptions) {}

  /** Most invocations at the same time. */
  public get environments(): number {
    return this.options.environments;
  }

  /** Invokes the function once an environment is free. Never rejects: an error of the function is a result. */
  public async invoke(event: unknown): Promise<InvocationResult> {
    await this.enter();
    try {
      if (this.stopped) {
        return { ok: false, requestId: '', ...STOPPED };
      }
      const environment = this.idle.pop() ?? this.start();
      const result = await environment.invoke(event);
      if (environment.isAlive) {
        this.idle.push(environment);
      }
      if (!result.ok) {
        this.options.onLine?.(`RequestId: ${result.requestId} Error: ${result.errorType}: ${result.errorMessage}`);
      }
      return result;
    } finally {
      this.leave();
    }
  }

  /** Ends all environments at once, whatever they are doing. */
  public async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all([...this.alive].map((environment) => environment.terminate(STOPPED)));
  }

  private start(): Environment {
    const environment = new Environment(this.definition, this.options.onLine, () => this.alive.delete(environment));
    this.alive.add(environment);
    return environment;
  }

  private async enter(): Promise<void> {
    if (this.running < this.options.environments) {
      this.running++;
      return;
    }
    // Whoever leaves hands its place over, so `running` stays as it is.
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private leave(): void {
    const next = this.waiting.shift();
    if (next) {
      next();
    } else {
      this.running--;
    }
  }
}

/** What an environment died of. */
interface Death {
  readonly errorType: string;
  readonly errorMessage: string;
}

const STOPPED: Death = { errorType: 'Runtime.ExitError', errorMessage: 'The local runner was stopped.' };

class Environment {
  private readonly worker: Worker;
  private readonly ready: Promise<void>;
  /** Takes the result of the invocation that is running. */
  private settle: ((result: InvocationResult) => void) | undefined;
  private requestId = '';
  private death: Death | undefined;

  constructor(
    private readonly definition: FunctionDefinition,
    onLine: ((line: string) => void) | undefined,
    private readonly onEnd: () => void,
  ) {
    const { directory, handler, name, arn, memoryMegabytes } = definition;
    this.worker = new Worker(join(__dirname, 'environment.mjs'), {
      workerData: { directory, handler, functionName: name, functionArn: arn, memoryLimitInMB: memoryMegabytes },
      env: { ...lambdaVariables(definition), ...definition.environment },
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: memoryMegabytes },
    });
    for (const stream of [this.worker.stdout, this.worker.stderr]) {
      readLines(stream, onLine);
    }
    let started: () => void;
    this.ready = new Promise((resolve) => started = resolve);
    this.worker.on('message', (message: Message) => message.type === 'ready' ? started() : this.answer(message));
    this.worker.on('error', (error) => this.die({ errorType: 'Runtime.ExitError', errorMessage: error.stack ?? error.message }));
    this.worker.on('exit', (code) => {
      this.die({ errorType: 'Runtime.ExitError', errorMessage: `Runtime exited with exit status ${code}` });
      started();
    });
  }

  public get isAlive(): boolean {
    return this.death === undefined;
  }

  /** One at a time. As on Lambda, the function's timeout does not count the loading of the handler. */
  public async invoke(event: unknown): Promise<InvocationResult> {
    const requestId = randomUUID();
    const payload = JSON.stringify(event);
    await this.ready;
    if (this.death) {
      return { ok: false, requestId, ...this.death };
    }
    const milliseconds = this.definition.timeoutSeconds * 1000;
    const result = new Promise<InvocationResult>((resolve) => this.settle = resolve);
    this.requestId = requestId;
    this.worker.postMessage({ requestId, event: payload, deadline: Date.now() + milliseconds });
    const timer = setTimeout(
      () => void this.terminate({
        errorType: 'Sandbox.Timedout',
        errorMessage: `Task timed out after ${this.definition.timeoutSeconds.toFixed(2)} seconds`,
      }),
      milliseconds,
    );
    try {
      return await result;
    } finally {
      clearTimeout(timer);
    }
  }

  public async terminate(death: Death): Promise<void> {
    this.die(death);
    await this.worker.terminate();
  }

  private answer(message: Exclude<Message, { type: 'ready' }>): void {
    if (message.requestId === this.requestId) {
      this.finish(message.type === 'result'
        ? { ok: true, requestId: message.requestId, payload: JSON.parse(message.payload) }
        : { ok: false, requestId: message.requestId, errorType: message.errorType, errorMessage: message.errorMessage });
    }
  }

  /** The first cause counts: what follows it (the exit of the worker) is its consequence. */
  private die(death: Death): void {
    if (!this.death) {
      this.death = death;
      this.onEnd();
      this.finish({ ok: false, requestId: this.requestId, ...death });
    }
  }

  private finish(result: InvocationResult): void {
    this.settle?.(result);
    this.settle = undefined;
  }
}

/** The variables that Lambda sets, as far as they mean something here. */
function lambdaVariables({ name, directory, memoryMegabytes, handler, arn }: FunctionDefinition): Record<string, string> {
  return {
    AWS_REGION: arn.split(':')[3] ?? '',
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMegabytes),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    LAMBDA_TASK_ROOT: directory,
    _HANDLER: handler,
  };
}

function readLines(stream: Readable, onLine: ((line: string) => void) | undefined): void {
  createInterface({ input: stream }).on('line', (line) => onLine?.(line));
}
