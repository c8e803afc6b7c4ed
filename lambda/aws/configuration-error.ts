import { FsmError } from '../machine/fsm-error';
import { toError } from '../machine/to-error';

/** The configuration of a workflow is missing or malformed. */
export class ConfigurationError extends FsmError {
  public override readonly name = 'ConfigurationError';
  public override readonly code = 'INVALID_CONFIGURATION';

  /** @param problems every problem, with its location */
  constructor(public readonly problems: readonly string[]) {
    super(
      `Invalid workflow configuration:\n${problems.map((problem) => `- ${problem}`).join('\n')}\n` +
        "Pass the workflow's clientConfiguration, which the construct renders.",
    );
  }
}

/** @throws ConfigurationError if there is no text, or if it is not JSON */
export function parseJson(json: string | undefined): unknown {
  if (!json) throw new ConfigurationError(['The configuration is empty.']);
  try {
    return JSON.parse(json);
  } catch (thrown) {
    throw new ConfigurationError([`Invalid JSON: ${toError(thrown).message}`]);
  }
}
