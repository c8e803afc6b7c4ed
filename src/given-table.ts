import { Arn, ArnFormat, Stack } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { checkPlace } from './given-resource';
import type { Problems } from './problems';
import { TIME_TO_LIVE_ATTRIBUTE } from './workflow-table';

/** What a table of a workflow must be like. */
export interface TableShape {
  readonly partitionKey: dynamodb.Attribute;
  readonly sortKey?: dynamodb.Attribute;
  /** Whether DynamoDB forgets what has expired in it. */
  readonly expires: boolean;
}

/** What of a table's definition tells its shape: `CfnTable` and `CfnGlobalTable` name it alike. */
export interface Definition {
  readonly keySchema: readonly { readonly attributeName: string; readonly keyType: string }[];
  readonly attributeDefinitions?: readonly { readonly attributeName: string; readonly attributeType: string }[];
  readonly timeToLiveSpecification?: { readonly attributeName?: string; readonly enabled: boolean };
  readonly streamSpecification?: { readonly streamViewType?: string };
}

/** How a table is defined, if that is known: nothing is of an imported table. */
export function definitionOf(table: dynamodb.ITable): Definition | undefined {
  const definition = table.node.defaultChild;
  if (!(definition instanceof dynamodb.CfnTable || definition instanceof dynamodb.CfnGlobalTable)) return undefined;
  const { keySchema, attributeDefinitions, timeToLiveSpecification, streamSpecification } = definition;
  // Resolved, they are what CloudFormation documents.
  return Stack.of(table).resolve({ keySchema, attributeDefinitions, timeToLiveSpecification, streamSpecification }) as Definition;
}

/** Refuses a table that cannot serve. Of one that was imported, no more is known than where it is. */
export function checkGivenTable(problems: Problems, table: dynamodb.ITable, shape: TableShape, stack: Stack): void {
  // An imported table claims to be where its construct is; its ARN says where it is.
  checkPlace(problems, 'table', { env: Arn.split(table.tableArn, ArnFormat.SLASH_RESOURCE_NAME) }, stack);
  const found = definitionOf(table);
  if (!found) return;
  const typeOf = (name: string) => found.attributeDefinitions?.find(({ attributeName }) => attributeName === name)?.attributeType ?? '?';
  const theirs = found.keySchema.map(({ attributeName, keyType }) => keyText(attributeName, typeOf(attributeName), keyType)).sort().join(' and ');
  const ours = keysOf(shape);
  if (theirs !== ours) problems.add(`the given table "${table.node.path}" has the key ${theirs}; expected ${ours}. Make another table.`);
  const ttl = found.timeToLiveSpecification?.enabled ? found.timeToLiveSpecification.attributeName : undefined;
  const expected = shape.expires ? TIME_TO_LIVE_ATTRIBUTE : undefined;
  if (ttl !== expected) {
    problems.add(
      `the given table "${table.node.path}" has ${ttl === undefined ? 'no time to live' : `the time to live "${ttl}"`}; expected ` +
      `${expected === undefined ? 'none, or what waits in it would be lost' : `"${expected}", or nothing would ever be forgotten`}. Change its timeToLiveAttribute.`,
    );
  }
}

function keysOf({ partitionKey, sortKey }: TableShape): string {
  const keys = [keyText(partitionKey.name, partitionKey.type, 'HASH'), ...sortKey ? [keyText(sortKey.name, sortKey.type, 'RANGE')] : []];
  return keys.join(' and ');
}

function keyText(name: string, type: string, keyType: string): string {
  return `${keyType} ${name} (${type})`;
}
