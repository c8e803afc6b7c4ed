import { Stack } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { TTL_ATTRIBUTE } from '#contract';
import { checkExisting, locationOf } from '../shared/existing-resource';
import type { ValidationErrors } from '../shared/validation-errors';

/** The schema that a table of a workflow must have. */
export interface TableShape {
  readonly partitionKey: dynamodb.Attribute;
  readonly sortKey?: dynamodb.Attribute;
  /** Whether the items of the table expire. */
  readonly expires: boolean;
}

/** The properties that define the schema, which `CfnTable` and `CfnGlobalTable` share. */
export interface TableDefinition {
  readonly keySchema: readonly { readonly attributeName: string; readonly keyType: string }[];
  readonly attributeDefinitions?: readonly { readonly attributeName: string; readonly attributeType: string }[];
  readonly timeToLiveSpecification?: { readonly attributeName?: string; readonly enabled: boolean };
  readonly streamSpecification?: { readonly streamViewType?: string };
}

/** @returns undefined for an imported table, whose definition is unknown at synthesis */
export function definitionOf(table: dynamodb.ITable): TableDefinition | undefined {
  const definition = table.node.defaultChild;
  if (!(definition instanceof dynamodb.CfnTable || definition instanceof dynamodb.CfnGlobalTable)) return undefined;
  const { keySchema, attributeDefinitions, timeToLiveSpecification, streamSpecification } = definition;
  // Resolving replaces tokens only. Both constructs declare these properties with the types of `TableDefinition`, or as tokens of them.
  return Stack.of(table).resolve({
    keySchema,
    attributeDefinitions,
    timeToLiveSpecification,
    streamSpecification,
  }) as TableDefinition;
}

/** Rejects a table with another schema. For an imported table, only its account and Region can be checked. */
export function checkExistingTable(
  errors: ValidationErrors,
  table: dynamodb.ITable,
  shape: TableShape,
  stack: Stack,
): void {
  checkExisting(errors, 'table', { env: locationOf(table), node: table.node }, table.tableArn, stack);
  const definition = definitionOf(table);
  if (!definition) return;
  const typeOf = (name: string) =>
    definition.attributeDefinitions?.find(({ attributeName }) => attributeName === name)?.attributeType ?? '?';
  const actualKeys = definition.keySchema
    .map(({ attributeName, keyType }) => keyText(attributeName, typeOf(attributeName), keyType))
    .sort()
    .join(' and ');
  const expectedKeys = keysOf(shape);
  if (actualKeys !== expectedKeys) {
    errors.add(
      `The existing table "${table.node.path}" has the key ${actualKeys}; expected ${expectedKeys}. DynamoDB cannot change a key: create another table.`,
    );
  }
  const ttl = definition.timeToLiveSpecification?.enabled
    ? definition.timeToLiveSpecification.attributeName
    : undefined;
  const expectedTtl = shape.expires ? TTL_ATTRIBUTE : undefined;
  if (ttl !== expectedTtl) {
    const actual = ttl === undefined ? 'no time to live' : `the time to live "${ttl}"`;
    errors.add(
      `The existing table "${table.node.path}" has ${actual}; expected ` +
        (expectedTtl === undefined
          ? 'none, because waiting retries would expire. Remove its timeToLiveAttribute.'
          : `"${expectedTtl}", because items of completed executions would never expire. Set its timeToLiveAttribute.`),
    );
  }
}

function keysOf({ partitionKey, sortKey }: TableShape): string {
  const keys = [
    keyText(partitionKey.name, partitionKey.type, 'HASH'),
    ...(sortKey ? [keyText(sortKey.name, sortKey.type, 'RANGE')] : []),
  ];
  return keys.join(' and ');
}

function keyText(name: string, type: string, keyType: string): string {
  return `${keyType} ${name} (${type})`;
}
