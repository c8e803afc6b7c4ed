/** The prefix of all environment variables that the workflow sets, in its function and in the containers of its tasks. */
export const VARIABLE_PREFIX = 'FSM_';

/** The environment variable of the workflow's function that holds a `WorkflowConfiguration` as JSON. */
export const WORKFLOW_VARIABLE = 'FSM_WORKFLOW';

/** The environment variable of the workflow's function that holds the values of its `EcsTasks` that are known only at deployment, as JSON. */
export const ECS_TASKS_VARIABLE = 'FSM_ECS_TASKS';

/** The environment variables that the runtime sets in the container of a task. */
export const TASK_VARIABLES = {
  executionId: 'FSM_EXECUTION_ID',
  step: 'FSM_STEP',
  /** JSON. */
  context: 'FSM_CONTEXT',
  callbackToken: 'FSM_CALLBACK_TOKEN',
} as const;
