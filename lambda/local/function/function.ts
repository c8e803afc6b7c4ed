import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';

/** The definition of a Lambda function. */
export interface FunctionDefinition {
  readonly name: string;
  readonly arn: string;
  /** The folder with the code. */
  readonly directory: string;
  /** The module and the export, such as `index.handler`. */
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly memoryMegabytes: number;
}

/** The result of an invocation, as the invoking service sees it. */
export type InvocationResult =
  | { readonly ok: true; readonly requestId: string; readonly payload: unknown }
  | { readonly ok: false; readonly requestId: string; readonly errorType: string; readonly errorMessage: string };

export interface FunctionOptions {
  /** Maximum number of concurrent invocations: an integer ≥ 1. */
  readonly environments: number;
  /** Receives the log: each line of the function's output, and the errors of failed invocations. */
  readonly onLine?: (line: string) => void;
}

type Message =
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly requestId: string; readonly payload: string }
  | { readonly type: 'error'; readonly requestId: string; readonly errorType: string; readonly errorMessage: string };

/**
 * A Lambda function with a pool of execution environments.
 *
 * An execution environment is a worker thread with its own modules and environment variables. It is started if no environment is idle and
 * the pool is not full, and is reused until it ends. As in Lambda, it ends when an invocation exceeds the function's timeout, when the
 * process exits, and on an uncaught error. Unlike in Lambda, it is not frozen between invocations.
 */
export class LocalFunction {
  private readonly idle: Environment[] = [];
  private readonly alive = new Set<Environment>();
  private readonly waiting: (() => void)[] = [];
  private running = 0;
  private stopped = false;

  constructor(
    public readonly definition: FunctionDefinition,
    private readonly options: FunctionOptions,
  ) {}

  /** Maximum number of concurrent invocations. */
  public get environments(): number {
    return this.options.environments;
  }

  /** Invokes the function as soon as an environment is free. Never rejects: an error of the function is a result. */
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

  /** Terminates all environments immediately. */
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
    // `leave` hands its place over, so `running` does not change.
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

/** The reason for the end of an environment. */
interface Death {
  readonly errorType: string;
  readonly errorMessage: string;
}

const STOPPED: Death = { errorType: 'Runtime.ExitError', errorMessage: 'The local runner was stopped.' };

class Environment {
  private readonly worker: Worker;
  private readonly ready: Promise<void>;
  /** Resolves the current invocation. */
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
    this.ready = new Promise((resolve) => (started = resolve));
    this.worker.on('message', (message: Message) => (message.type === 'ready' ? started() : this.answer(message)));
    this.worker.on('error', (error) =>
      this.die({ errorType: 'Runtime.ExitError', errorMessage: error.stack ?? error.message }),
    );
    this.worker.on('exit', (code) => {
      this.die({ errorType: 'Runtime.ExitError', errorMessage: `Runtime exited with exit status ${code}` });
      started();
    });
  }

  public get isAlive(): boolean {
    return this.death === undefined;
  }

  /** Handles one invocation at a time. As in Lambda, the timeout does not include loading the handler. */
  public async invoke(event: unknown): Promise<InvocationResult> {
    const requestId = randomUUID();
    const payload = JSON.stringify(event);
    await this.ready;
    if (this.death) {
      return { ok: false, requestId, ...this.death };
    }
    const timeoutMs = this.definition.timeoutSeconds * 1000;
    const result = new Promise<InvocationResult>((resolve) => (this.settle = resolve));
    this.requestId = requestId;
    this.worker.postMessage({ requestId, event: payload, deadline: Date.now() + timeoutMs });
    const timer = setTimeout(
      () =>
        void this.terminate({
          errorType: 'Sandbox.Timedout',
          errorMessage: `Task timed out after ${this.definition.timeoutSeconds.toFixed(2)} seconds`,
        }),
      timeoutMs,
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
      this.finish(
        message.type === 'result'
          ? { ok: true, requestId: message.requestId, payload: JSON.parse(message.payload) }
          : {
              ok: false,
              requestId: message.requestId,
              errorType: message.errorType,
              errorMessage: message.errorMessage,
            },
      );
    }
  }

  /** Keeps the first reason only: later ones, such as the exit of the worker, are its consequences. */
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

/** Returns the variables that Lambda sets and that have a local meaning. */
function lambdaVariables({
  name,
  directory,
  memoryMegabytes,
  handler,
  arn,
}: FunctionDefinition): Record<string, string> {
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
