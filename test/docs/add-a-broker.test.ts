import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BROKER_NAMES, type BrokerName } from '../../lambda/contract/brokers';
import { all, ROOT } from '../support/pages';

const PAGE = readFileSync(join(ROOT, 'docs/contributing/add-a-broker.md'), 'utf8');

/** The resources of the brokers, which name the files that the page calls `<resource>`. */
const RESOURCES: Readonly<Record<BrokerName, string>> = {
  sqs: 'queue',
  kinesis: 'stream',
  sns: 'topic',
  dynamodb: 'table',
};

/** The folders that hold only the files of the page. A folder of `lambda/aws` may hold more: the service has other uses. */
const CLOSED_FOLDERS = ['src/brokers', 'lambda/local/brokers'];
const OPEN_FOLDERS = ['lambda/aws', 'test/embedded/aws'];

/** The paths in the first column of the tables. */
const listed = all(PAGE, /^\| `([^`]+)`/gm);

test('the page lists files of every layer', () => {
  for (const layer of ['src', 'lambda/contract', 'lambda/aws', 'lambda/runtime', 'lambda/local', 'lambda/testing']) {
    expect(listed.filter((path) => path.startsWith(`${layer}/`))).not.toEqual([]);
  }
  expect(listed).toEqual([...new Set(listed)]);
});

describe.each(BROKER_NAMES)('%s', (broker) => {
  test('has every file that the page lists', () => {
    expect(listed.map((path) => pathOf(path, broker)).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test.each(CLOSED_FOLDERS)('has no other file in %s', (folder) => {
    expect(filesOf(folder, broker)).toEqual(
      listedIn(folder)
        .map((path) => pathOf(path, broker))
        .sort(),
    );
  });
});

test.each([...CLOSED_FOLDERS, ...OPEN_FOLDERS])('the page lists every file that all brokers have in %s', (folder) => {
  const [first = [], ...others] = BROKER_NAMES.map((broker) =>
    filesOf(folder, broker).map((path) =>
      path.replace(`/${broker}/`, '/<broker>/').replace(RESOURCES[broker], '<resource>'),
    ),
  );
  const common = first.filter((path) => others.every((paths) => paths.includes(path)));
  expect(listedIn(folder)).toEqual(expect.arrayContaining(common));
});

function pathOf(path: string, broker: BrokerName): string {
  return path.replaceAll('<broker>', broker).replaceAll('<resource>', RESOURCES[broker]);
}

function filesOf(folder: string, broker: BrokerName): string[] {
  return readdirSync(join(ROOT, folder, broker))
    .map((name) => `${folder}/${broker}/${name}`)
    .sort();
}

function listedIn(folder: string): string[] {
  return listed.filter((path) => path.startsWith(`${folder}/<broker>/`));
}
