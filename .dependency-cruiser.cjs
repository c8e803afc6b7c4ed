// The architecture as rules: which room may import which. `npx projen lint` checks them.

/** The layers of lambda/, each with the layers that it may import. */
const LAYERS = {
  contract: [],
  machine: [],
  engine: ['contract', 'machine'],
  aws: ['contract', 'machine', 'engine'],
  testing: ['contract', 'machine', 'engine', 'client'],
  runtime: ['contract', 'machine', 'engine', 'aws'],
  client: ['contract', 'machine', 'engine', 'aws'],
  local: ['contract', 'machine', 'engine', 'aws', 'testing'],
};

/** The rooms that may import each AWS client. The local runner stands in for AWS and may import all of them. */
const CLIENTS = {
  '@aws-sdk/client-dynamodb': 'dynamodb',
  '@aws-sdk/client-sqs': 'sqs',
  '@aws-sdk/client-kinesis': 'kinesis',
  '@aws-sdk/client-sns': 'sns',
  '@aws-sdk/client-cloudwatch': 'cloudwatch',
  '@aws-sdk/client-xray': 'xray',
  '@aws-sdk/client-secrets-manager': 'secrets-manager',
  '@aws-sdk/client-ecs': 'ecs',
  iovalkey: 'elasticache',
};

const BROKERS = ['sqs', 'kinesis', 'sns', 'dynamodb'];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      comment: 'Files that import each other cannot be read, tested or moved apart. Type-only imports count too.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-circles-of-rooms',
      comment: 'Two folders that import each other are one room: move their shared code into the lower one.',
      severity: 'error',
      scope: 'folder',
      from: {},
      to: { circular: true },
    },
    ...Object.entries(LAYERS).map(([layer, below]) => ({
      name: `layer-${layer}`,
      comment: `lambda/${layer} may import only ${[layer, ...below].map((name) => `lambda/${name}`).join(', ')}.`,
      severity: 'error',
      from: { path: `^lambda/${layer}/` },
      to: { path: '^lambda/', pathNot: `^lambda/(${[layer, ...below].join('|')})/` },
    })),
    {
      name: 'constructs-know-contract-and-machine',
      comment: 'src may import only two folders of lambda: the contract with the runtime, and the machine model.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^lambda/', pathNot: '^lambda/(contract|machine)/' },
    },
    {
      name: 'runtime-without-cdk',
      comment: 'lambda must not import the CDK.',
      severity: 'error',
      from: { path: '^lambda/' },
      to: { path: ['^src/', '^node_modules/(aws-cdk-lib|constructs)/'] },
    },
    ...Object.entries(CLIENTS).map(([client, room]) => ({
      name: `client-${room}`,
      comment: `Only lambda/aws/${room} and the local runner may import ${client}, so that each service remains a separate chunk.`,
      severity: 'error',
      from: { path: '^(src|lambda)/', pathNot: `^lambda/(aws/${room}|local)/` },
      to: { path: `^node_modules/${client}/` },
    })),
    ...BROKERS.map((broker) => ({
      name: `broker-${broker}`,
      comment: 'A broker must not import another broker.',
      severity: 'error',
      from: { path: `^(src/brokers|lambda/aws|lambda/local/brokers)/${broker}/` },
      to: {
        path: `^(src/brokers|lambda/aws|lambda/local/brokers)/(${BROKERS.filter((other) => other !== broker).join('|')})/`,
      },
    })),
    {
      name: 'pure-machine-and-engine',
      comment:
        'The machine model and the engine run anywhere: in Lambda, in a test, in a browser. They may compute hashes, and only the file loaders may read files.',
      severity: 'error',
      from: { path: '^lambda/(contract|machine|engine)/', pathNot: '^lambda/machine/load' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'loaders-read-files-only',
      severity: 'error',
      from: { path: '^lambda/machine/load' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(fs|path)$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: '^(lambda-lib|lib|assets)/',
    // Type-only imports are imports, too.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
