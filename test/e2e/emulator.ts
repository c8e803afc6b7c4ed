import { ChildProcess, spawn } from 'child_process';
import { once } from 'events';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'fs';
import { request } from 'https';
import { AddressInfo, createServer } from 'net';
import { join } from 'path';
import { setTimeout } from 'timers/promises';
import { PROJECT, Toolchain, WORKSPACE } from './toolchain';
import { run } from '../support/processes';

/** The emulated account and region. */
export const ACCOUNT = '000000000000';
export const REGION = 'eu-west-1';

const READY_SECONDS = 30;
const STOP_SECONDS = 5;

/** The access key of the account's root user in the emulator. */
export const ROOT = { accessKeyId: 'test', secretAccessKey: 'test' };

/**
 * An AWS account on the loopback interface. It is empty at the start and deleted at the stop.
 *
 * The emulator is as strict as it can be: it requires TLS, as the policies of queues and topics do, and enforces IAM, so that a function can
 * only do what its role allows.
 */
export class Emulator {
  /**
   * Starts the emulator on a free port, and waits until it responds.
   *
   * @throws Error with the end of its log if it does not respond in time
   */
  public static async start(toolchain: Toolchain): Promise<Emulator> {
    const folder = join(WORKSPACE, 'run');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, 'tmp'), { recursive: true });
    const certificate = await makeCertificate(folder);
    const port = await freePort();
    const logFile = join(folder, 'emulator.log');
    const log = openSync(logFile, 'a');
    // The shell terminates the emulator and the processes of its functions when its standard input closes, which also happens if this process
    // is killed.
    const program = [toolchain.python, join(PROJECT, 'test', 'e2e', 'emulator.py')];
    const child = spawn('sh', ['-c', '{ "$0" "$1"; kill -s TERM 0; } & read -r line; kill -s TERM 0', ...program], {
      detached: true,
      cwd: folder,
      stdio: ['pipe', log, log],
      // The functions inherit these variables, so they do not include those of this process.
      env: {
        AWS_ACCESS_KEY_ID: ROOT.accessKeyId,
        AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey,
        PATH: toolchain.path,
        HOME: folder,
        TMPDIR: join(folder, 'tmp'),
        BIND_HOST: '127.0.0.1',
        GATEWAY_PORT: String(port),
        MINISTACK_REGION: REGION,
        MINISTACK_SSL_CERT: certificate.file,
        MINISTACK_SSL_KEY: certificate.keyFile,
        USE_SSL: '1',
        AUTH: 'true',
        ACCESS_LOG: join(folder, 'access.jsonl'),
        // Keeps compiled files out of the source folder.
        PYTHONDONTWRITEBYTECODE: '1',
      },
    });
    closeSync(log);
    const configFile = join(folder, 'aws-config');
    writeFileSync(
      configFile,
      `[default]\naws_access_key_id = ${ROOT.accessKeyId}\naws_secret_access_key = ${ROOT.secretAccessKey}\n`,
    );
    const emulator = new Emulator(child, `https://localhost:${port}`, {
      certificate: certificate.file,
      log: logFile,
      access: join(folder, 'access.jsonl'),
      config: configFile,
    });
    try {
      await emulator.untilReady();
    } catch (error) {
      await emulator.stop();
      throw error;
    }
    return emulator;
  }

  private constructor(
    private readonly child: ChildProcess,
    private readonly endpoint: string,
    private readonly files: {
      readonly certificate: string;
      readonly log: string;
      readonly access: string;
      readonly config: string;
    },
  ) {}

  /** The file with the emulator's log, which includes the output of the functions. */
  public get logFile(): string {
    return this.files.log;
  }

  /**
   * Environment variables that direct the CDK, and SDK clients with default settings, to the emulator. Variables that are undefined must be
   * unset.
   */
  public get environment(): NodeJS.ProcessEnv {
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      // The separate variable makes the CDK address buckets by path, since the host bucket.localhost does not exist.
      AWS_ENDPOINT_URL_S3: this.endpoint,
      AWS_REGION: REGION,
      AWS_CA_BUNDLE: this.files.certificate,
      NODE_EXTRA_CA_CERTS: this.files.certificate,
      // Only the credentials in this file are used, so that no request can reach a real account.
      AWS_CONFIG_FILE: this.files.config,
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_SESSION_TOKEN: undefined,
      AWS_PROFILE: undefined,
      AWS_EC2_METADATA_DISABLED: 'true',
      EMULATOR_LOG: this.files.log,
      ACCESS_LOG: this.files.access,
    };
  }

  /** Stops the emulator and its functions. Does nothing if the emulator has stopped. */
  public async stop(): Promise<void> {
    if (this.child.pid === undefined || hasEnded(this.child)) {
      return;
    }
    const ended = once(this.child, 'exit');
    this.child.stdin?.end();
    await Promise.race([ended, setTimeout(STOP_SECONDS * 1000, undefined, { ref: false })]);
    if (!hasEnded(this.child)) {
      // Kills the process group, which the shell leads.
      process.kill(-this.child.pid, 'SIGKILL');
      await ended;
    }
  }

  private async untilReady(): Promise<void> {
    const deadline = Date.now() + READY_SECONDS * 1000;
    while (!(await answers(`${this.endpoint}/_ministack/health`, this.files.certificate))) {
      if (hasEnded(this.child) || Date.now() > deadline) {
        const state = hasEnded(this.child) ? 'exited at the start' : `did not respond within ${READY_SECONDS} seconds`;
        throw new Error(
          `The AWS emulator ${state}:\n${readFileSync(this.logFile, 'utf8').split('\n').slice(-30).join('\n')}`,
        );
      }
      await setTimeout(100);
    }
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Creates a certificate for localhost and for this run. */
async function makeCertificate(folder: string): Promise<{ file: string; keyFile: string }> {
  const file = join(folder, 'certificate.pem');
  const keyFile = join(folder, 'key.pem');
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    keyFile,
    '-out',
    file,
    '-days',
    '7',
    '-subj',
    '/CN=localhost',
    '-addext',
    'basicConstraints=critical,CA:FALSE',
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
  ]).catch((error: Error) => {
    throw new Error(`Cannot create the emulator's certificate. Install the openssl command. ${error.message}`);
  });
  return { file, keyFile };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // A TCP server has an address of this type.
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(url: string, certificateFile: string): Promise<boolean> {
  return new Promise((resolve) => {
    request(url, { ca: readFileSync(certificateFile), timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .once('error', () => resolve(false))
      .once('timeout', function (this: ReturnType<typeof request>) {
        this.destroy();
      })
      .end();
  });
}
