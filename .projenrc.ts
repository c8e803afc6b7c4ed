import { awscdk, javascript, JsonFile, ProjenrcFile, typescript } from 'projen';

/** What `lambda/` is compiled into: CommonJS and its type declarations. */
const LAMBDA_LIB = 'lambda-lib';

/** The folders of `lambda/` that users import, as `cdk-lambda-fsm/<name>`. */
const SUBPATHS = ['machine', 'runtime', 'client', 'testing'];

/** The AWS services that the runtime talks to: only `lambda/aws/<service>` imports its client, and `lambda/local`, the stand-in for AWS. */
const SERVICES = ['dynamodb', 'sqs', 'kinesis', 'sns', 'cloudwatch', 'xray', 'secrets-manager', 'ecs'];

/** The newest version that nearly all their clients have in common; that of X-Ray skipped it. They share their core all the same. */
const AWS_SDK = '3.1141.0';
const versionOf = (service: string) => service === 'xray' ? '3.1142.0' : AWS_SDK;

/**
 * For the lock cache: the Valkey project's client, and what signs the token that it authenticates with (the AWS clients use both inside).
 */
const LOCK_CACHE = ['iovalkey@0.4.0', '@smithy/signature-v4@5.7.5', '@aws-sdk/credential-provider-node@3.972.98'];

/** What each folder of `lambda/` may import of the others. */
const LAYERS: Record<string, string[]> = {
  machine: [],
  engine: ['machine'],
  aws: ['engine', 'machine'],
  testing: ['engine', 'machine'],
  runtime: ['aws', 'engine', 'machine'],
  client: ['aws', 'engine', 'machine'],
  local: ['aws', 'testing', 'engine', 'machine'],
};

const project = new awscdk.AwsCdkConstructLibrary({
  name: 'cdk-lambda-fsm',
  description: 'Durable finite-state-machine workflows on AWS Lambda, as AWS CDK constructs',
  keywords: ['aws', 'cdk', 'lambda', 'workflow', 'state-machine', 'fsm', 'durable', 'sqs', 'kinesis', 'dynamodb'],
  author: 'cdk-lambda-fsm authors',
  authorOrganization: true,
  authorAddress: 'https://github.com/cdk-lambda-fsm',
  repositoryUrl: 'https://github.com/cdk-lambda-fsm/cdk-lambda-fsm.git',
  license: 'Apache-2.0',
  copyrightOwner: 'cdk-lambda-fsm authors',
  defaultReleaseBranch: 'main',
  stability: 'experimental',

  cdkVersion: '2.274.0',
  constructsVersion: '10.5.0',
  jsiiVersion: '~6.0.0',
  typescriptVersion: '~6.0.0',
  projenVersion: '0.103.25',
  minNodeVersion: '20.0.0',
  packageManager: javascript.NodePackageManager.NPM,
  runner: typescript.TypeScriptRunner.tsx(),
  projenrcJs: false,

  github: false,
  release: false,
  depsUpgrade: false,
  pullRequestTemplate: false,
  sampleCode: false,
  integrationTestAutoDiscover: false,
  lambdaAutoDiscover: false,
  edgeLambdaAutoDiscover: false,
  singletonLambdaAutoDiscover: false,
  lambdaExtensionAutoDiscover: false,

  publishToPypi: { distName: 'cdk-lambda-fsm', module: 'cdk_lambda_fsm' },
  publishToMaven: {
    javaPackage: 'io.github.cdklambdafsm',
    mavenGroupId: 'io.github.cdk-lambda-fsm',
    mavenArtifactId: 'cdk-lambda-fsm',
  },
  publishToNuget: { dotNetNamespace: 'CdkLambdaFsm', packageId: 'CdkLambdaFsm' },

  // jsii has no other way to take libraries along that are not written in jsii.
  bundledDeps: ['yaml@2.9.1', 'esbuild-wasm@0.28.2'],
  devDeps: [
    ...SERVICES.map((service) => `@aws-sdk/client-${service}@${versionOf(service)}`),
    `@aws-sdk/client-dynamodb-streams@${AWS_SDK}`,
    // With these the tests on the emulated account invoke functions, and look at what roles may do.
    ...['lambda', 'iam'].map((service) => `@aws-sdk/client-${service}@${AWS_SDK}`),
    // Lets the client of Kinesis, which by itself speaks HTTP/2, speak what kinesalite speaks, and have the timeouts of the other clients.
    '@smithy/node-http-handler@4.14.2',
    ...LOCK_CACHE,
    '@swc/core@1.16.22',
    '@swc/jest@0.2.39',
    '@types/aws-lambda@8.10.164',
    'aws-cdk@2.1148.1',
    // Checks the templates against AWS's own advice. Later versions want newer constructs than the CDK's oldest that this library takes.
    'cdk-nag@2.37.55',
    'fast-check@4.10.2',
    'fauxqs@1.9.2',
    // A Lua machine: the simulation runs the scripts of the lock cache in it.
    'fengari@0.1.5',
    'kinesalite@3.3.3',
    // Bundles the Lambda runtime: esbuild splits it into more files than a cold start has time for.
    'rolldown@1.3.2',
    'tsx@4.23.15',
  ],

  // jsii compiles `src` with this file: self references such as `cdk-lambda-fsm/machine` resolve through the `exports` of package.json.
  tsconfig: {
    fileName: 'tsconfig.jsii.json',
    compilerOptions: { types: ['node'] },
  },
  // Editors, the linter, tsx and the type check read this one, which covers all code and needs nothing to be compiled before.
  tsconfigDevFile: 'tsconfig.json',
  tsconfigDev: {
    include: ['**/*.mts', '.projenrc.ts'],
    exclude: ['cdk.out', 'dist', 'lib', LAMBDA_LIB, 'assets'],
    compilerOptions: {
      noImplicitOverride: true,
      noUncheckedIndexedAccess: true,
      stripInternal: false,
      types: ['jest', 'node'],
      paths: {
        'cdk-lambda-fsm': ['./src/index.ts'],
        ...Object.fromEntries(SUBPATHS.map((name) => [`cdk-lambda-fsm/${name}`, [`./lambda/${name}/index.ts`]])),
      },
    },
  },

  jestOptions: {
    jestVersion: '^30.0.0',
    junitReporting: false,
    coverageText: false,
    passWithNoTests: false,
    updateSnapshot: javascript.UpdateSnapshot.NEVER,
    jestConfig: {
      collectCoverage: false,
      maxWorkers: 2,
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/e2e/'],
      moduleNameMapper: {
        '^cdk-lambda-fsm$': '<rootDir>/src/index.ts',
        // A dynamic import names the file that the compiler makes; Jest takes the source.
        '^(\\.{1,2}/.*)\\.js$': '$1',
        [`^cdk-lambda-fsm/(${SUBPATHS.join('|')})$`]: '<rootDir>/lambda/$1/index.ts',
      },
    },
  },

  eslintOptions: {
    dirs: ['src', 'lambda'],
    devdirs: ['test', 'examples', 'bench', 'scripts', 'model'],
    projectService: true,
    tsconfigPath: './tsconfig.json',
    fileExtensions: ['.ts', '.mts'],
    // A test must not change what it tests; `npx projen eslint --fix` mends.
    commandOptions: { fix: false },
    ignorePatterns: ['!.projenrc.ts', '*.js', '*.d.ts', 'node_modules/', 'lib/', `${LAMBDA_LIB}/`, 'assets/', 'dist/', 'coverage/', 'cdk.out/'],
  },

  gitignore: [`/${LAMBDA_LIB}/`, '/assets/', '/.readme/', 'cdk.out/', '.DS_Store'],
  npmIgnoreOptions: {
    ignorePatterns: ['/lambda/', '/examples/', '/bench/', '/docs/', '/scripts/', '/model/', '/.ci/', '/.projenrc.ts', '/tsconfig*.json', '*.tsbuildinfo', 'cdk.out/'],
  },
});

project.npmignore?.include(`/${LAMBDA_LIB}/`, '/assets/');

// A lock file that names no registry works behind any mirror.
const npmrc = new javascript.NpmConfig(project);
npmrc.addConfig('omit-lockfile-registry-resolved', 'true');
npmrc.addConfig('save-exact', 'true');
project.npmignore?.exclude('/.npmrc');

// ---- What package.json offers -------------------------------------------------------------------------------------------------------

project.package.addField('exports', {
  '.': './lib/index.js',
  ...Object.fromEntries(SUBPATHS.map((name) => [`./${name}`, `./${LAMBDA_LIB}/${name}/index.js`])),
  './package.json': './package.json',
  './.jsii': './.jsii',
  './.warnings.jsii.js': './.warnings.jsii.js',
});
// So bundlers leave out what is not used; the loaders of definitions bring a YAML parser, which no function needs.
project.package.addField('sideEffects', false);
// Runs a synthesized stack on the user's machine.
project.addBins({ 'cdk-lambda-fsm': `${LAMBDA_LIB}/local/cli.js` });
// TypeScript with `moduleResolution: node10` does not read `exports`.
project.package.addField('typesVersions', {
  '*': Object.fromEntries(SUBPATHS.map((name) => [name, [`./${LAMBDA_LIB}/${name}/index.d.ts`]])),
});
// Faster than their fallbacks, and not to be had for every platform: esbuild-wasm bundles too, and the local runner takes any DynamoDB.
project.package.addField('optionalDependencies', {
  '@dynoxide/linux-x64': '1.2.1',
  'esbuild': '0.28.2',
});
// Only who imports the client or the local runner needs these. jsii takes only jsii modules as peer dependencies, so they stand here alone.
project.package.addField('peerDependenciesMeta', Object.fromEntries(
  [
    ...[...SERVICES, 'dynamodb-streams'].map((service) => `@aws-sdk/client-${service}`), '@smithy/node-http-handler', 'fauxqs', 'kinesalite',
    ...LOCK_CACHE.map((dependency) => dependency.slice(0, dependency.lastIndexOf('@'))),
  ].map((name) => [name, { optional: true }]),
));

// projen's own component for a .projenrc.ts brings a folder and a tsconfig.json that nothing here needs.
class Projenrc extends ProjenrcFile {
  public readonly filePath = '.projenrc.ts';
}
new Projenrc(project);
project.defaultTask!.reset('tsx .projenrc.ts');

// ---- lambda/ ------------------------------------------------------------------------------------------------------------------------

new JsonFile(project, 'tsconfig.lambda.json', {
  obj: {
    extends: './tsconfig.json',
    include: ['lambda/**/*.ts'],
    exclude: [],
    compilerOptions: {
      noEmit: false,
      rootDir: 'lambda',
      outDir: LAMBDA_LIB,
      types: ['node'],
    },
  },
});

const compileLambda = project.addTask('compile:lambda', {
  description: `Compiles lambda/ into ${LAMBDA_LIB}/`,
  execArgs: ['tsc', '--project', 'tsconfig.lambda.json'],
});
// What the local runner's threads begin with is JavaScript as it stands, which tsc leaves alone.
compileLambda.exec(`cp lambda/local/*.mjs ${LAMBDA_LIB}/local/`);

// The other languages need toolchains of their own: `npx projen package-all` makes their packages.
project.packageTask.reset();
project.packageTask.spawn(project.tasks.tryFind('package:js')!);

const bundleRuntime = project.addTask('bundle:runtime', {
  description: 'Bundles the Lambda runtime with the AWS clients into assets/runtime/',
  execArgs: ['tsx', 'scripts/bundle-runtime.ts'],
});
const typecheck = project.addTask('typecheck', {
  description: 'Checks the types of all code',
  execArgs: ['tsc', '--project', 'tsconfig.json'],
});

project.preCompileTask.spawn(compileLambda);
project.preCompileTask.spawn(bundleRuntime);
// The tests of the constructs and of the local runner need the bundle, and nothing else that is built.
project.testTask.prependSpawn(bundleRuntime);
project.testTask.prependSpawn(typecheck);

// ---- What else can be run -----------------------------------------------------------------------------------------------------------

project.addTask('demo', {
  description: 'Runs an order workflow on this machine, with embedded services',
  steps: [{ spawn: bundleRuntime.name }, { execArgs: ['tsx', 'examples/order/demo.ts'], receiveArgs: true }],
});
project.addTask('e2e', {
  description: 'Deploys a workflow to an emulated AWS account and runs it there',
  steps: [{ spawn: bundleRuntime.name }, { execArgs: ['tsx', 'test/e2e/run.ts'], receiveArgs: true }],
});
project.addTask('simulate', {
  description: 'Runs the protocol over simulated services from fresh seeds, and checks what it promises',
  steps: [{ execArgs: ['tsx', 'test/simulation/run.ts'], receiveArgs: true }],
});
project.addTask('mutate', {
  description: 'Plants mistakes in the protocol, and checks that the simulation finds each',
  steps: [{ execArgs: ['tsx', 'test/simulation/mutate.ts'], receiveArgs: true }],
});
project.addTask('model', {
  description: 'Checks the models of the protocol with Spin, and that they notice planted mistakes',
  exec: 'tsx model/check.ts',
});
project.addTask('soak', {
  description: 'Keeps thousands of executions under way for minutes while services fail, and watches memory, throughput and endings',
  steps: [{ spawn: bundleRuntime.name }, { execArgs: ['tsx', 'test/soak/run.ts'], receiveArgs: true }],
});
project.addTask('bench', {
  description: 'Measures requests, latency and throughput',
  steps: [{ spawn: bundleRuntime.name }, { execArgs: ['tsx', 'bench/run.ts'], receiveArgs: true }],
});

// ---- Jest ---------------------------------------------------------------------------------------------------------------------------

// swc only strips the types, so tests start at once; the type check is a step of its own.
project.deps.removeDependency('ts-jest');
project.jest!.config.transform = {
  '^.+\\.ts$': ['@swc/jest', {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
  }],
};
project.jest!.config.testMatch = ['<rootDir>/test/**/*.test.ts'];

// ---- ESLint -------------------------------------------------------------------------------------------------------------------------

const eslint = project.eslint!;
eslint.addLintPattern('.projenrc.ts');
eslint.config.settings['import/parsers'] = { '@typescript-eslint/parser': ['.ts', '.mts'] };
eslint.rules['import/no-extraneous-dependencies'][1].optionalDependencies = true;
for (const pattern of ['.projenrc.ts', 'lambda/aws/**', 'lambda/local/**', 'lambda/runtime/**']) {
  eslint.allowDevDeps(pattern);
}
eslint.addRules({
  '@stylistic/max-len': ['error', {
    code: 140, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true,
  }],
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
  // Hashes and random numbers need them.
  'no-bitwise': 'off',
  'import/order': ['error', { groups: ['builtin', 'external'], alphabetize: { order: 'asc', caseInsensitive: true } }],
  // A rule for each import that is against the direction `machine <- engine <- {aws, testing} <- {runtime, client, local}`.
  'import/no-restricted-paths': ['error', {
    zones: [
      ...Object.entries(LAYERS).map(([layer, below]) => ({
        target: `./lambda/${layer}`,
        from: './lambda',
        except: [layer, ...below].map((name) => `./${name}`),
        message: `lambda/${layer} may import only ${[layer, ...below].map((name) => `lambda/${name}`).join(', ')}.`,
      })),
      {
        target: './src',
        from: './lambda',
        except: ['./machine'],
        message: 'src may import nothing of lambda but cdk-lambda-fsm/machine.',
      },
      ...['./src', './node_modules/aws-cdk-lib', './node_modules/constructs'].map((from) => ({
        target: './lambda',
        from,
        message: 'lambda knows nothing of the CDK.',
      })),
      ...SERVICES.map((service) => ({
        target: ['./src/**/*', './lambda/!(aws|local)/**/*', './lambda/aws/*.ts', `./lambda/aws/!(${service})/**/*`],
        from: `./node_modules/@aws-sdk/client-${service}`,
        message: `Only lambda/aws/${service} may import this client.`,
      })),
      {
        target: ['./src/**/*', './lambda/!(aws)/**/*', './lambda/aws/*.ts', './lambda/aws/!(elasticache)/**/*'],
        from: './node_modules/iovalkey',
        message: 'Only lambda/aws/elasticache may import this client.',
      },
    ],
  }],
});
eslint.addOverride({
  files: ['lambda/machine/**', 'lambda/engine/**'],
  excludedFiles: ['lambda/machine/load*.ts'],
  rules: { 'import/no-nodejs-modules': 'error' },
});
eslint.addOverride({
  files: ['lambda/machine/load*.ts'],
  rules: { 'import/no-nodejs-modules': ['error', { allow: ['node:fs', 'node:path'] }] },
});

project.synth();
