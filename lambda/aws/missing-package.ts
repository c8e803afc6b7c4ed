import { FsmError } from '../machine/fsm-error';

/** An optional package that the workflow needs is not installed. */
export class MissingPackageError extends FsmError {
  public override readonly name = 'MissingPackageError';
  public override readonly code = 'PACKAGE_MISSING';

  /** @param purpose what needs the package, as the subject of the sentence */
  constructor(packageName: string, purpose: string, cause: unknown) {
    super(
      `${purpose} needs the package "${packageName}", which is not installed. Run "npm install ${packageName}"; ` +
        `if a bundler leaves the package out, ship it next to the bundle, for example with nodeModules: ['${packageName}'] of NodejsFunction.`,
      { cause },
    );
  }
}
