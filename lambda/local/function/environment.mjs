// An execution environment of a function, run as a worker thread. It loads the handler once, then handles one invocation at a time.
// It is plain JavaScript because a worker is started from a file, without a compiler.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';

const { directory, handler, functionName, functionArn, memoryLimitInMB } = workerData;

const handle = await loadHandler();
parentPort.postMessage({ type: 'ready' });
parentPort.on('message', (invocation) => void invoke(invocation));

async function loadHandler() {
  const [, moduleName, exportName] = /^(.+)\.([^.]+)$/.exec(handler);
  const problems = [];
  for (const extension of ['.mjs', '.js', '.cjs']) {
    const file = join(directory, moduleName + extension);
    try {
      const loaded = await import(pathToFileURL(file).href);
      const found = loaded[exportName] ?? loaded.default?.[exportName];
      if (typeof found !== 'function') {
        throw new Error(`${file} does not export a function "${exportName}".`);
      }
      return found;
    } catch (error) {
      if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.includes(file)) {
        throw error;
      }
      problems.push(file);
    }
  }
  throw new Error(`Cannot find handler "${handler}". Searched for ${problems.join(', ')}.`);
}

async function invoke({ requestId, event, deadline }) {
  const context = {
    awsRequestId: requestId,
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: functionArn,
    memoryLimitInMB: String(memoryLimitInMB),
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: 'local',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
  try {
    const result = await handle(JSON.parse(event), context);
    parentPort.postMessage({ type: 'result', requestId, payload: JSON.stringify(result ?? null) });
  } catch (error) {
    const { name, message, stack } = error instanceof Error ? error : { name: 'Error', message: String(error) };
    parentPort.postMessage({ type: 'error', requestId, errorType: name, errorMessage: message, stack });
  }
}
