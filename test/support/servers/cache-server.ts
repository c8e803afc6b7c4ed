import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'iovalkey';

// The last program is the server under another name: Debian's redis-tools contains it, without the service that the package redis-server starts.
const PROGRAMS = ['valkey-server', 'redis-server', 'redis-check-rdb'];
const REQUIREMENT =
  'Install Valkey or Redis, version 7 or later, with TLS: `apt-get install redis-tools` or `brew install valkey`.';

/**
 * Finds the program of the server. If none is installed, installs it from the packages of the distribution, but only if that needs no
 * confirmation: as root in a Debian container.
 *
 * @returns nothing if no program is available; the tests that need the server are then skipped with a warning
 * @throws Error if no program is available in CI
 */
export function findCacheServer(): string | undefined {
  const program = PROGRAMS.find(isInstalled) ?? (installPackages() ? PROGRAMS.find(isInstalled) : undefined);
  if (!program && process.env.CI) throw new Error(`The tests of the lock cache need a server. ${REQUIREMENT}`);
  if (!program) console.warn(`Skipping the tests of the lock cache: no server is installed. ${REQUIREMENT}`);
  return program;
}

function installPackages(): boolean {
  if (process.getuid?.() !== 0 || !isInstalled('apt-get')) return false;
  const options = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  try {
    execFileSync('apt-get', ['update'], options);
    execFileSync('apt-get', ['install', '--yes', '--no-install-recommends', 'redis-tools', 'openssl'], options);
    return true;
  } catch {
    // For example without a network.
    return false;
  }
}

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A server on the loopback interface that looks like a serverless cache: TLS only, one node with all slots of a cluster. */
export class CacheServer {
  public static async start(binary: string): Promise<CacheServer> {
    const directory = mkdtempSync(join(tmpdir(), 'cache-'));
    const [port, busPort] = await Promise.all([freePort(), freePort()]);
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=DNS:localhost',
        '-keyout',
        join(directory, 'key.pem'),
        '-out',
        join(directory, 'certificate.pem'),
      ],
      { stdio: 'ignore' },
    );
    const server = new CacheServer(binary, directory, port, busPort);
    await server.start();
    return server;
  }

  /** The self-signed certificate. */
  public readonly ca: string;
  /** A connection with all permissions, over a local socket. */
  public readonly admin: Redis;
  private process?: ChildProcess;

  private constructor(
    private readonly binary: string,
    private readonly directory: string,
    public readonly port: number,
    private readonly busPort: number,
  ) {
    this.ca = readFileSync(join(directory, 'certificate.pem'), 'utf8');
    this.admin = new Redis({
      path: join(directory, 'socket'),
      lazyConnect: true,
      retryStrategy: () => 20,
      maxRetriesPerRequest: null,
    });
    this.admin.on('error', () => undefined);
  }

  /** Starts the server with empty memory. */
  public async start(): Promise<void> {
    const { directory } = this;
    const settings = {
      port: '0',
      'tls-port': String(this.port),
      'cluster-enabled': 'yes',
      'cluster-port': String(this.busPort),
      'tls-cluster': 'yes',
      bind: '127.0.0.1',
      unixsocket: join(directory, 'socket'),
      dir: directory,
      save: '',
      appendonly: 'no',
      'tls-cert-file': join(directory, 'certificate.pem'),
      'tls-key-file': join(directory, 'key.pem'),
      'tls-ca-cert-file': join(directory, 'certificate.pem'),
      'tls-auth-clients': 'no',
    };
    // The program derives its role from the name by which it is started.
    this.process = spawn(
      this.binary,
      Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
      { stdio: 'ignore', argv0: 'redis-server' },
    );
    await this.until(async () => (await this.admin.ping()) === 'PONG');
    // The server remembers its slots, and refuses to add them again after a restart.
    await this.admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383').catch(() => undefined);
    await this.until(async () => String(await this.admin.call('CLUSTER', 'INFO')).includes('cluster_state:ok'));
  }

  public async stop(): Promise<void> {
    const { process } = this;
    if (!process || process.exitCode !== null) return;
    await new Promise((resolve) => {
      process.once('exit', resolve);
      process.kill('SIGKILL');
    });
  }

  /** Stops the server and deletes its files. */
  public async remove(): Promise<void> {
    this.admin.disconnect();
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Creates a user, or changes the password of an existing one. */
  public async user(name: string, accessString: string, password: string): Promise<void> {
    await this.admin.call('ACL', 'SETUSER', name, 'reset', ...accessString.split(' '), `>${password}`);
  }

  /** The number of calls of each command since the last call of this method, including the commands of scripts. */
  public async commands(): Promise<Record<string, number>> {
    const statistics = await this.admin.info('commandstats');
    await this.admin.call('CONFIG', 'RESETSTAT');
    const counted = [...statistics.matchAll(/^cmdstat_([a-z|]+):calls=(\d+)/gm)].map(
      ([, name = '', calls]) => [name, Number(calls)] as const,
    );
    return Object.fromEntries(counted.filter(([name]) => !['info', 'config|resetstat', 'command'].includes(name)));
  }

  private async until(condition: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!(await condition().catch(() => false))) {
      if (Date.now() > deadline) throw new Error(`${this.binary} did not become ready within ten seconds.`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
