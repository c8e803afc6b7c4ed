import { execSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { AssetHashType, BundlingOutput, DockerImage, Lazy, type AssetStaging, type CfnResource } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as nodejs from 'aws-cdk-lib/aws-lambda-nodejs';
import type * as s3assets from 'aws-cdk-lib/aws-s3-assets';
import type { Construct } from 'constructs';
import { CODE_FILES } from '#contract';
import { hashOf, type BundledActions } from './actions-bundle';
import { copyContents, RUNTIME_DIRECTORY } from './built-assets';
import { installModules, type InstalledModules } from './node-modules';
import type { Machine, Upgrade } from 'cdk-lambda-fsm/machine';

/** The parts of the code that are known when the workflow is created. */
export interface CodeParts {
  readonly machines: readonly Machine[];
  readonly upgrades: Readonly<Record<string, Upgrade>>;
  readonly actions: BundledActions;
  readonly modules?: InstalledModules;
  readonly bundling: nodejs.BundlingOptions;
}

/**
 * The code of a workflow's function: the runtime, with the machines and the user's actions next to it.
 *
 * It is staged when the app is complete, because its files contain the tasks, which are added after the function.
 */
export class WorkflowCode extends lambda.Code {
  public readonly isInline = false;
  private scope?: Construct;
  private resource?: { readonly resource: CfnResource; readonly options?: lambda.ResourceBindOptions };
  private asset?: s3assets.Asset;

  constructor(private readonly parts: CodeParts) {
    super();
  }

  public bind(scope: Construct): lambda.CodeConfig {
    this.scope = scope;
    return {
      s3Location: {
        bucketName: Lazy.string({ produce: () => this.asset?.s3BucketName }),
        objectKey: Lazy.string({ produce: () => this.asset?.s3ObjectKey }),
      },
    };
  }

  public override bindToResource(resource: CfnResource, options?: lambda.ResourceBindOptions): void {
    this.resource = { resource, options };
  }

  /**
   * Stages the code.
   *
   * @param more the contents of more files, by name
   * @returns the directory with the code
   */
  public stage(more: Readonly<Record<string, string>>): string {
    const { scope, resource } = this;
    if (!scope || !resource) throw new Error('The code must be bound to a function before it is staged.');
    const code = this.assetCode(more);
    code.bind(scope);
    code.bindToResource(resource.resource, resource.options);
    // `AssetCode.bind` creates an asset with this id, which creates its staging with this one.
    this.asset = scope.node.findChild('Code') as s3assets.Asset;
    return (this.asset.node.findChild('Stage') as AssetStaging).absoluteStagedPath;
  }

  private assetCode(more: Readonly<Record<string, string>>): lambda.Code {
    const { machines, upgrades, actions, modules, bundling } = this.parts;
    const hooks = bundling.commandHooks;
    const files = {
      [CODE_FILES.machines]: jsonFile(machines),
      ...(Object.keys(upgrades).length > 0 && { [CODE_FILES.upgrades]: jsonFile(upgrades) }),
      ...actions.files,
      ...more,
    };
    const source = path.dirname(actions.source);
    return lambda.Code.fromAsset(RUNTIME_DIRECTORY, {
      ...(bundling.assetHash === undefined
        ? { assetHashType: AssetHashType.OUTPUT }
        : { assetHashType: AssetHashType.CUSTOM, assetHash: bundling.assetHash }),
      bundling: {
        // All files exist already, so no container runs. The CDK recognizes equal assets by their bundling options.
        image: DockerImage.fromRegistry('never-pulled'),
        command: [hashOf({ ...files, modules: JSON.stringify(modules ?? {}) }), ...commandsOf(hooks, source, '')],
        local: {
          tryBundle: (directory) => {
            run(hooks?.beforeBundling(source, directory), source, bundling);
            copyContents(RUNTIME_DIRECTORY, directory);
            for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);
            if (modules) {
              run(hooks?.beforeInstall(source, directory), source, bundling);
              installModules(modules, directory);
            }
            run(hooks?.afterBundling(source, directory), source, bundling);
            return true;
          },
        },
        outputType: BundlingOutput.NOT_ARCHIVED,
      },
    });
  }
}

/** The files of a workflow's code are JSON with one member a line, so that they can be compared. */
export function jsonFile(content: unknown): string {
  return `${JSON.stringify(content, undefined, 1)}\n`;
}

function commandsOf(hooks: nodejs.ICommandHooks | undefined, source: string, directory: string): readonly string[] {
  if (!hooks) return [];
  return [
    ...hooks.beforeBundling(source, directory),
    ...hooks.beforeInstall(source, directory),
    ...hooks.afterBundling(source, directory),
  ];
}

function run(commands: readonly string[] | undefined, cwd: string, { environment }: nodejs.BundlingOptions): void {
  for (const command of commands ?? []) {
    execSync(command, { cwd, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...environment } });
  }
}
