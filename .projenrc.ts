import { awscdk, javascript, JsonFile, ProjenrcFile, typescript } from 'projen';

/** The output folder of `lambda/`: CommonJS and type declarations. */
const LAMBDA_LIB = 'lambda-lib';

/** The folders of `lambda/` that users import, as `cdk-lambda-fsm/<name>`. */
const SUBPATHS = ['machine', 'runtime', 'client', 'client/lock-cache', 'testing'];

/** Those that the functions of users import, and bundlers bundle. */
const BUNDLED = ['client', 'client/lock-cache'];

/**
 * The AWS services that the runtime calls. Only `lambda/aws/<service>` and `lambda/local`, the stand-in for AWS, import the client of a
 * service.
 */
const SERVICES = ['dynamodb', 'sqs', 'kinesis', 'sns', 'cloudwatch', 'xray', 'secrets-manager', 'ecs'];

/** The latest version that all their clients except X-Ray have published. The clients share their core nevertheless. */
const AWS_SDK = '3.1141.0';
const versionOf = (service: string) => (service === 'xray' ? '3.1142.0' : AWS_SDK);

/**
 * For the lock cache: the Valkey client, and the packages that sign its authentication token, which the AWS clients contain as well.
 */
const LOCK_CACHE = ['iovalkey@0.4.0', '@smithy/signature-v4@5.7.5', '@aws-sdk/credential-provider-node@3.972.98'];

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
  minNodeVersion: '20.12.0',
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

  // jsii can include libraries that are not jsii modules only by bundling them.
  bundledDeps: ['yaml@2.9.1', 'esbuild-wasm@0.28.2'],
  devDeps: [
    ...SERVICES.map((service) => `@aws-sdk/client-${service}@${versionOf(service)}`),
    `@aws-sdk/client-dynamodb-streams@${AWS_SDK}`,
    // The tests on the emulated account invoke functions, and compare the permissions of roles.
    ...['lambda', 'iam'].map((service) => `@aws-sdk/client-${service}@${AWS_SDK}`),
    // By default, the Kinesis client speaks HTTP/2. This handler speaks HTTP/1.1, as kinesalite requires, and has the timeouts of the other
    // clients.
    '@smithy/node-http-handler@4.14.2',
    ...LOCK_CACHE,
    '@swc/core@1.16.22',
    '@swc/jest@0.2.39',
    '@types/aws-lambda@8.10.164',
    // Writes the public API of each TypeScript subpath into a file that is reviewed.
    '@microsoft/api-extractor@7.60.1',
    'aws-cdk@2.1148.1',
    // Checks the templates against the AWS Solutions rules. Later versions require a newer CDK than the minimum version of this library.
    'cdk-nag@2.37.55',
    // Enforces the layers, and forbids circular imports of files and of rooms. Later versions require a newer Node.js than the minimum
    // version.
    'dependency-cruiser@17.4.3',
    'fast-check@4.10.2',
    'fauxqs@1.9.2',
    // A Lua interpreter, in which the simulation runs the scripts of the lock cache.
    'fengari@0.1.5',
    'kinesalite@3.3.3',
    // Bundles the Lambda runtime. esbuild creates too many chunks for a fast cold start.
    'rolldown@1.3.2',
    'tsx@4.23.15',
    // Builds the documentation site.
    'vitepress@1.6.4',
  ],

  // jsii compiles `src` with this file: self references such as `cdk-lambda-fsm/machine` resolve through the `exports` of package.json.
  tsconfig: {
    fileName: 'tsconfig.jsii.json',
    compilerOptions: { types: ['node'] },
  },
  // Editors, the linter, tsx and the type check read this file. It covers all code, and does not require compiled output.
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
        '#contract': ['./lambda/contract/index.ts'],
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
        '^#contract$': '<rootDir>/lambda/contract/index.ts',
        // A dynamic import names the compiled file; Jest loads the source.
        '^(\\.{1,2}/.*)\\.js$': '$1',
        [`^cdk-lambda-fsm/(${SUBPATHS.join('|')})$`]: '<rootDir>/lambda/$1/index.ts',
      },
    },
  },

  // One formatter decides on the layout of all code.
  prettier: true,
  prettierOptions: {
    settings: { printWidth: 120, singleQuote: true, trailingComma: javascript.TrailingComma.ALL },
    ignoreFile: false,
  },
  eslintOptions: {
    prettier: true,
    dirs: ['src', 'lambda'],
    devdirs: ['test', 'examples', 'bench', 'scripts', 'model'],
    projectService: true,
    tsconfigPath: './tsconfig.json',
    fileExtensions: ['.ts', '.mts'],
    // A test must not change the code under test. To fix errors, run `npx projen eslint --fix`.
    commandOptions: { fix: false },
    ignorePatterns: [
      '!.projenrc.ts',
      '*.js',
      '*.d.ts',
      'node_modules/',
      'lib/',
      `${LAMBDA_LIB}/`,
      'assets/',
      'dist/',
      'coverage/',
      'cdk.out/',
    ],
  },

  gitignore: [
    `/${LAMBDA_LIB}/`,
    '/assets/',
    '/.readme/',
    '/docs/.vitepress/dist/',
    '/docs/.vitepress/cache/',
    'cdk.out/',
    '.DS_Store',
  ],
  npmIgnoreOptions: {
    ignorePatterns: [
      '/lambda/',
      '/bench/',
      // The package contains the pages, but not the site.
      '/docs/.vitepress/',
      '/.readme/',
      '/examples/**/out/',
      '/scripts/',
      '/api/',
      '/.dependency-cruiser.cjs',
      '/model/',
      '/.ci/',
      '/.projenrc.ts',
      '/tsconfig*.json',
      '*.tsbuildinfo',
      'cdk.out/',
    ],
  },
});

project.npmignore?.include(`/${LAMBDA_LIB}/`, '/assets/');

// A lock file without registry URLs works behind any mirror.
const npmrc = new javascript.NpmConfig(project);
npmrc.addConfig('omit-lockfile-registry-resolved', 'true');
npmrc.addConfig('save-exact', 'true');
project.npmignore?.exclude('/.npmrc');

// ---- The entry points of the package -----------------------------------------------------------------------------------------------

project.package.addField('exports', {
  '.': './lib/index.js',
  ...Object.fromEntries(SUBPATHS.map((name) => [`./${name}`, `./${LAMBDA_LIB}/${name}/index.js`])),
  // Bundlers use the ES modules. Node.js ignores the condition, so a process never loads the client twice.
  ...Object.fromEntries(
    BUNDLED.map((name) => [
      `./${name}`,
      { module: `./${LAMBDA_LIB}/esm/${name}/index.js`, default: `./${LAMBDA_LIB}/${name}/index.js` },
    ]),
  ),
  './package.json': './package.json',
  './.jsii': './.jsii',
  './.warnings.jsii.js': './.warnings.jsii.js',
});
// The contract between the constructs and the runtime. It is not public.
project.package.addField('imports', { '#contract': `./${LAMBDA_LIB}/contract/index.js` });
// Lets bundlers drop unused modules, such as the definition loaders with their YAML parser, which no function needs.
project.package.addField('sideEffects', false);
// Runs a synthesized stack on the user's machine.
project.addBins({ 'cdk-lambda-fsm': `${LAMBDA_LIB}/local/cli.js` });
// TypeScript with `moduleResolution: node10` does not read `exports`.
project.package.addField('typesVersions', {
  '*': Object.fromEntries(SUBPATHS.map((name) => [name, [`./${LAMBDA_LIB}/${name}/index.d.ts`]])),
});
// Native packages that are not available for every platform. Their slower fallbacks are esbuild-wasm, and any other DynamoDB server.
project.package.addField('optionalDependencies', {
  '@dynoxide/linux-x64': '1.2.1',
  esbuild: '0.28.2',
});
// Only users of the client or the local runner need these. jsii accepts only jsii modules as peer dependencies, so they are listed here
// only.
project.package.addField(
  'peerDependenciesMeta',
  Object.fromEntries(
    [
      ...[...SERVICES, 'dynamodb-streams'].map((service) => `@aws-sdk/client-${service}`),
      '@smithy/node-http-handler',
      'fauxqs',
      'kinesalite',
      ...LOCK_CACHE.map((dependency) => dependency.slice(0, dependency.lastIndexOf('@'))),
    ].map((name) => [name, { optional: true }]),
  ),
);

// projen's component for a .projenrc.ts would add an unused folder and tsconfig.json.
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
// The entry files of the local runner's threads are plain JavaScript, which tsc does not copy.
for (const room of ['function', 'servers']) {
  compileLambda.exec(`cp lambda/local/${room}/*.mjs ${LAMBDA_LIB}/local/${room}/`);
}
// Bundlers drop unused exports of ES modules only. The client is compiled to both formats, so that it stays small in a bundle.
compileLambda.exec('tsx scripts/build-esm.ts');

// The other languages require their own toolchains: `npx projen package-all` creates their packages.
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

project.addTask('lint', {
  description: 'Checks the style of all code, and which room imports which',
  steps: [{ execArgs: ['depcruise', 'src', 'lambda', '--config', '.dependency-cruiser.cjs'] }, { spawn: 'eslint' }],
});

project.compileTask.exec('tsx scripts/link-contract.ts');
project.preCompileTask.spawn(compileLambda);
project.preCompileTask.spawn(bundleRuntime);

// Each suite is a separate task, so that `npm test` takes less than two minutes. CI runs all of them.
const SUITES = {
  'test:embedded': {
    description:
      'Runs the tests against real protocol servers on this machine, including the tests of the local runner and the demo',
    folders: ['test/embedded', 'test/examples'],
  },
  'test:docs': {
    description: 'Compiles or runs every snippet of the documentation, and checks its commands, links and names',
    folders: ['test/docs'],
  },
  'test:templates': {
    description:
      'Lints the templates of all brokers, and synthesizes all examples and documented stacks without warnings',
    folders: ['test/templates'],
  },
};
const slow = Object.values(SUITES).flatMap(({ folders }) => folders);
project.testTask.reset();
project.testTask.spawn(typecheck);
// Of the build outputs, the tests of the constructs and of the local runner require only the bundle.
project.testTask.spawn(bundleRuntime);
project.testTask.exec(`jest --ci --testPathIgnorePatterns ${['/node_modules/', 'test/e2e', ...slow].join(' ')}`, {
  receiveArgs: true,
});
for (const [name, { description, folders }] of Object.entries(SUITES)) {
  project.addTask(name, {
    description,
    steps: [{ spawn: bundleRuntime.name }, { exec: `jest --ci ${folders.join(' ')}`, receiveArgs: true }],
  });
}

// ---- Other tasks --------------------------------------------------------------------------------------------------------------------

project.addTask('demo', {
  description: 'Runs an order workflow on this machine, with embedded services',
  steps: [{ spawn: bundleRuntime.name }, { execArgs: ['tsx', 'examples/order/demo.ts'], receiveArgs: true }],
});
project.addTask('test:package', {
  description: 'Checks the package in dist/js as its users install it',
  execArgs: ['tsx', 'test/package/run.ts'],
});
project.addTask('e2e', {
  description: 'Deploys a workflow to an emulated AWS account and runs it there',
  steps: [{ spawn: bundleRuntime.name }, { execArgs: ['tsx', 'test/e2e/run.ts'], receiveArgs: true }],
});
project.addTask('simulate', {
  description: 'Runs the protocol over simulated services with new seeds, and checks its guarantees',
  steps: [{ execArgs: ['tsx', 'test/simulation/run.ts'], receiveArgs: true }],
});
project.addTask('mutate', {
  description: 'Plants mistakes in the protocol, and checks that the simulation detects each of them',
  steps: [{ execArgs: ['tsx', 'test/simulation/mutate.ts'], receiveArgs: true }],
});
project.addTask('model', {
  description: 'Checks the models of the protocol with Spin, and checks that the models detect planted mistakes',
  exec: 'tsx model/check.ts',
});
project.addTask('soak', {
  description:
    'Runs thousands of concurrent executions for minutes while services fail, and checks memory, throughput and outcomes',
  steps: [{ spawn: bundleRuntime.name }, { execArgs: ['tsx', 'test/soak/run.ts'], receiveArgs: true }],
});
project.addTask('api', {
  description: 'Writes the public API of each TypeScript subpath into api/; with --check, fails if it has changed',
  steps: [{ spawn: compileLambda.name }, { execArgs: ['tsx', 'scripts/api-reports.ts'], receiveArgs: true }],
});
project.addTask('docs:build', {
  description: 'Builds the documentation site into docs/.vitepress/dist',
  execArgs: ['vitepress', 'build', 'docs'],
});
project.addTask('docs:dev', {
  description: 'Serves the documentation site, and reloads it when a page changes',
  steps: [{ execArgs: ['vitepress', 'dev', 'docs'], receiveArgs: true }],
});
project.addTask('bench', {
  description: 'Measures requests, latency and throughput',
  steps: [{ spawn: bundleRuntime.name }, { execArgs: ['tsx', 'bench/run.ts'], receiveArgs: true }],
});

// ---- Jest ---------------------------------------------------------------------------------------------------------------------------

// swc only strips the types, so tests start immediately. The type check is a separate task.
project.deps.removeDependency('ts-jest');
project.jest!.config.transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'commonjs' },
    },
  ],
};
project.jest!.config.testMatch = ['<rootDir>/test/**/*.test.ts'];
project.jest!.config.setupFiles = ['<rootDir>/test/support/setup.ts'];
// Each file that loads the CDK leaves memory behind. A worker with a large heap exits too slowly for Jest, which then reports a leak.
project.jest!.config.workerIdleMemoryLimit = '800MB';

// ---- ESLint -------------------------------------------------------------------------------------------------------------------------

const eslint = project.eslint!;
eslint.addLintPattern('.projenrc.ts');
eslint.config.settings['import/parsers'] = { '@typescript-eslint/parser': ['.ts', '.mts'] };
eslint.rules['import/no-extraneous-dependencies'][1].optionalDependencies = true;
for (const pattern of ['.projenrc.ts', 'lambda/aws/**', 'lambda/local/**', 'lambda/runtime/**']) {
  eslint.allowDevDeps(pattern);
}
eslint.addRules({
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
  // Hashes and random number generators need them.
  'no-bitwise': 'off',
  // All tests use `describe` and `test`.
  'no-restricted-globals': ['error', { name: 'it', message: 'Write test(…).' }],
  'import/order': ['error', { groups: ['builtin', 'external'], alphabetize: { order: 'asc', caseInsensitive: true } }],
});

project.synth();
